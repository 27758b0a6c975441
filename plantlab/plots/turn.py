"""A figure that is drawn again as a slider is turned."""

import os
from collections.abc import Callable


def turn(draw: Callable[..., object], **options: object) -> None:
    """Show a slider for each argument of `draw`, which draws on its current value.

    Where a notebook runs without a reader, a sentence stands in the slider's place.

    Args:
        options: by the argument's name, what ipywidgets.interact takes, such as (0, 2, 0.25): from,
            to, step.
    Introduced in notebook 04.
    """
    if os.environ.get("PLANTLAB_RUN"):
        print(f"A slider for {', '.join(options)} stands here when this cell is run in Jupyter.")
        return
    from ipywidgets import interact

    interact(draw, **options)
