"""Fifty damaged data sets of the campaign's thousand, which is run by hand."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "campaign"))
import campaign


def test_no_damaged_data_set_crashes_or_loses_a_photo_in_silence():
    tried = campaign.run(50)
    assert not tried["ended"].str.startswith(("crash", "exit")).any(), tried.to_string()
    assert tried["lost"].sum() == 0, tried[tried["lost"] > 0].to_string()
    assert tried["longest"].max() < campaign.LONGEST
