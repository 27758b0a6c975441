"""The shipped backbone, plantlab/seedling: formula-made images, the pretraining on them, and what came of it."""

import json
from pathlib import Path


def shipped_run() -> dict:
    """Return how the shipped weights came about: settings, curve (loss, share told apart), seconds, machine."""
    return json.loads(Path(__file__).with_name("run.json").read_text(encoding="utf-8"))
