"""A question about one plant, and its answer in the words of the contract."""

import asyncio
from dataclasses import dataclass

import numpy as np

from plantlab.identify.answer import Answer
from plantlab.identify.where import Where, where_of
from plantlab.predictions import Predictions
from plantlab.quality.questions import keep_question
from plantlab.service import contract
from plantlab.service.refusals import Refusal
from plantlab.service.state import State
from plantlab.service.uploads import Upload, check_count, check_images, unreadable

ALIKE = 3  # related images of a species


@dataclass
class Asked:
    """A question about one plant, as a client put it.

    Attributes:
        base: address of the service, at which it serves related images.
        most: results; None takes what is worth a word.
        kind: "kt" or "legacy", said back and else of no matter.
        where: the plant was met; "photo" asks the photos, "" takes no place into account.
    """

    project: str
    images: list[Upload]
    organs: list[str]
    key: str = ""
    base: str = ""
    related: bool = False
    no_reject: bool = False
    most: int | None = None
    language: str = "en"
    detailed: bool = False
    kind: str | None = None
    where: Where | str = "photo"


def check_asked(state: State, asked: Asked, n_images: int) -> None:
    """Check a question before its images are there.

    Raises:
        Refusal: 400, 404 or 429, see README.md.
    """
    state.species_of(asked.project)
    check_count(n_images, asked.organs)
    state.quota.check(state.account(asked.key))


async def identify(state: State, asked: Asked) -> dict:
    """Return the answer to a question about one plant.

    Raises:
        Refusal: 400, 404 or 429, see README.md.
    """
    within = state.species_of(asked.project)
    check_count(len(asked.images), asked.organs)
    asked.organs = asked.organs or ["auto"] * len(asked.images)
    await asyncio.to_thread(check_images, asked.images)
    left = state.quota.spend(state.account(asked.key))
    photos = [upload.content for upload in asked.images]
    said, found, problems = await state.batcher.see(photos)
    for number, upload in enumerate(asked.images):
        if upload.content in problems:
            told = f'image[{number}] ("{upload.filename}")'
            raise unreadable(told, problems[upload.content])
    answer = await asyncio.to_thread(_conclude, state, asked, said, found, within)
    if answer.unlike and not asked.no_reject:
        raise Refusal(404, "Species not found")
    return _word(state, asked, answer, found) | {"remainingIdentificationRequests": left}


def _conclude(
    state: State, asked: Asked, said: Predictions, found: np.ndarray, within: list[str]
) -> Answer:
    """Return the answer, kept first where questions are kept."""
    n_species = len(state.model.species)
    k = n_species if asked.detailed else min(asked.most or contract.MOST, n_species)
    where = asked.where
    if where == "photo":
        where = where_of([upload.content for upload in asked.images])
    answer = state.model.conclude(said, found, asked.organs, within, k, ALIKE, where or None)
    if within:
        answer.names = answer.names[answer.names["species"].isin(within)]
    if state.keep is not None:
        best = answer.names.iloc[0]
        named = "" if answer.unlike else best["species"]
        photos = [upload.content for upload in asked.images]
        keep_question(state.keep, photos, asked.organs, asked.project, named, best["score"])
    return answer


def _word(state: State, asked: Asked, answer: Answer, found: np.ndarray) -> dict:
    """Return an answer in the words of the contract, all but what is left to ask."""
    model = state.model
    images = [(upload.sha1, upload.filename) for upload in asked.images]
    results = contract.results(answer.names, asked.most)
    if asked.related:
        related = contract.related_images(answer, asked.base, model)
        for result in results:
            result["images"] = related.get(result["species"]["scientificName"], [])
    seen = contract.predicted_organs(
        images, asked.organs, model.organ_scores(found), list(model.card["organs"])
    )
    told = {
        "query": {
            "project": asked.project,
            "images": [sha1 for sha1, _ in images],
            "organs": asked.organs,
            "includeRelatedImages": asked.related,
            "noReject": asked.no_reject,
            "type": asked.kind,
        },
        "predictedOrgans": seen,
        "language": asked.language,
        "preferedReferential": "all" if asked.project in contract.WHOLE else asked.project,
        "bestMatch": results[0]["species"]["scientificName"],
        "results": results,
        "version": contract.version(model),
    }
    if answer.place:
        told["place"] = answer.place
    if asked.detailed:
        told["otherResults"] = contract.other_results(answer.names)
    return told
