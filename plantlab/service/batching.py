"""Photos of requests that arrive together go through the network together."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from plantlab.identify.model import Identifier
from plantlab.predictions import Predictions

AT_ONCE = 32  # photos


@dataclass
class _Question:
    """The photos of a request, and where its answer is awaited."""

    photos: list[bytes]
    answer: asyncio.Future


class Batcher:
    """Asks a model, one batch after the other; a batch is whatever waits.

    One that is alone waits for nobody.
    """

    def __init__(self, model: Identifier):
        self.model = model
        self.waiting: asyncio.Queue[_Question] = asyncio.Queue()
        self.n_batches = 0

    async def see(self, photos: list[bytes]) -> tuple[Predictions, np.ndarray, dict]:
        """Return what is said of photos, their embeddings, and {photo: why} of unreadable ones."""
        answer = asyncio.get_running_loop().create_future()
        await self.waiting.put(_Question(photos, answer))
        return await answer

    async def work(self) -> None:
        """Serve what waits until cancelled."""
        while True:
            batch = [await self.waiting.get()]
            while sum(len(question.photos) for question in batch) < AT_ONCE:
                try:
                    batch.append(self.waiting.get_nowait())
                except asyncio.QueueEmpty:
                    break
            self.n_batches += 1
            asked = [question for question in batch if not question.answer.done()]
            try:
                answers = await asyncio.to_thread(
                    self._ask, [question.photos for question in asked]
                )
            except Exception as error:
                for question in asked:
                    with suppress(asyncio.InvalidStateError):  # who asked has left
                        question.answer.set_exception(error)
                continue
            for question, answer in zip(asked, answers):
                with suppress(asyncio.InvalidStateError):
                    if isinstance(answer, Exception):
                        question.answer.set_exception(answer)
                    else:
                        question.answer.set_result(answer)

    def _ask(self, questions: list[list[bytes]]) -> list[tuple[Predictions, np.ndarray, dict]]:
        """Return an answer for each question; the model sees all of their photos at once."""
        problems = {}
        every = [photo for photos in questions for photo in photos]
        try:
            said, found = self.model.see(every, problems)
        except Exception:
            if len(questions) == 1:
                raise
            return [self._alone(photos) for photos in questions]  # strangers pay for no other
        answers = []
        first = 0
        for photos in questions:
            rows = np.arange(first, first + len(photos))
            answers.append((said.select(rows), found[rows], problems))
            first += len(photos)
        return answers

    def _alone(self, photos: list[bytes]) -> tuple | Exception:
        """Return the answer to one question, or what came of it."""
        try:
            return self._ask([photos])[0]
        except Exception as error:
            return error
