"""What a running service holds: a model, what it may be asked, and who has asked how often."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from plantlab.identify.model import Identifier
from plantlab.service.batching import Batcher
from plantlab.service.contract import WHOLE
from plantlab.service.gate import Quota
from plantlab.service.refusals import Refusal


class State:
    """What a running service holds.

    Attributes:
        projects: species by flora, those of the model's folder among them.
        keep: the folder that keeps questions; None keeps none.
        keys: that may ask; none lets everybody ask.
        batcher: asks the model.
        survey_turn: surveys go one by one, for each keeps every core busy.
    """

    def __init__(
        self,
        model: Identifier,
        floras: dict[str, list[str]] | None = None,
        quota: Quota | None = None,
        keep: str | Path | None = None,
        keys: Sequence[str] = (),
    ):
        self.model = model
        self.projects = model.floras | (floras or {})
        self.quota = quota or Quota()
        self.keep = keep
        self.keys = list(keys)
        self.batcher = Batcher(model)
        self.survey_turn = asyncio.Lock()

    def account(self, key: str) -> str:
        """Return on whose account a question goes: everybody's, where no keys are asked for."""
        return key if self.keys else ""

    def species_of(self, project: str) -> list[str]:
        """Return the species that may be named in a project, [] for all.

        Raises:
            Refusal: 404, no such project.
        """
        if project in WHOLE:
            return []
        if project not in self.projects:
            known = ", ".join([*WHOLE[:2], *self.projects])
            raise Refusal(404, f'Project not found: "{project}"; this service has {known}.')
        return self.projects[project]
