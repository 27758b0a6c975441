"""A trained model, and what it says of a plant: names, look-alikes, or that it is not sure."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from plantlab.data.photos import open_photo
from plantlab.identify.answer import MAX_PHOTOS, Answer
from plantlab.identify.ready import Ready, compiled
from plantlab.identify.where import NOWHERE, Where, where_of
from plantlab.networks.decoded import batches
from plantlab.networks.device import n_threads
from plantlab.networks.neighbours import Neighbours
from plantlab.predictions import Predictions
from plantlab.predictions.confidence import back_off, pool, temper
from plantlab.predictions.prior import Prior, Settings

if TYPE_CHECKING:  # torch is loaded where a network is needed itself
    from plantlab.networks.backbones import Classifier

FEW_SPECIES = 8  # up to so many are told by name
LARGEST_BATCH = 16  # photos


class Identifier:
    """A network with all that an answer needs.

    `store.load` reads one, `learn.learn` trains one, `build.build` makes one of a network.

    Attributes:
        species: K names.
        taxonomy: a row each: genus and family where known, and how many photos were learnt from.
        card: what config.json holds: preprocessing, thresholds, scores.
        references: R photos learnt from, to be looked at beside an answer.
        arrays: their embeddings, and the head that tells organs apart.
        near: those references, to be searched.
        floras: species lists by name, one of which may be chosen.
        prior: where and when its plants were seen; None where that is not known.
        folder: where it was loaded from, if it was.
    """

    def __init__(
        self,
        network: "Classifier | Ready",
        card: dict,
        taxonomy: pd.DataFrame,
        references: pd.DataFrame,
        arrays: dict[str, np.ndarray],
    ):
        self._network = network
        self.card = card
        self.taxonomy = taxonomy
        self.references = references
        self.arrays = arrays
        self.species = taxonomy["species"].tolist()
        self.image_size = card["image_size"]
        self.near = Neighbours(arrays["embeddings"].astype(np.float32))
        self.floras: dict[str, list[str]] = {}
        self.prior: Prior | None = None
        self.folder: Path | None = None

    @cached_property
    def network(self) -> "Classifier":
        """The network itself; one that was kept ready is made when it is first asked for."""
        kept = isinstance(self._network, Ready)
        network = self._network.make() if kept else self._network
        network.species = self.species
        return network.eval()

    @cached_property
    def ready(self) -> Ready:
        """What answers; a network in memory is compiled at the first question."""
        if isinstance(self._network, Ready):
            return self._network
        return compiled(self.network, self.image_size)

    @property
    def knows(self) -> str:
        """One sentence: which plants this model knows."""
        n_species = len(self.species)
        names = f": {', '.join(self.species)}" if n_species <= FEW_SPECIES else ""
        origin = f"learnt from {self.card['data']}"
        if self.card["kind"] == "generated":
            origin = "invented plants only"
        return f"This model knows {n_species} species{names} ({origin})."

    def see(
        self, photos: list, problems: dict | None = None, opened: Callable = open_photo
    ) -> tuple[Predictions, np.ndarray]:
        """Return calibrated Predictions (N rows) and embeddings (N, D) of files or bytes.

        Args:
            problems: gets {file: why} of what cannot be read, see batches. opened: see batches.
        """
        return self._ask(_listed(photos), problems, opened)

    def say(self, images: pd.DataFrame, found: np.ndarray) -> Predictions:
        """Return calibrated Predictions of embeddings (N, D), beside their rows (N)."""
        said = Predictions(images, self.species, self.ready.say(found))
        return temper(said, self.card["temperature"])

    def answer(
        self,
        photos: list,
        organs: Iterable[str] = (),
        within: Iterable[str] = (),
        k: int = 5,
        where: Where | None = None,
    ) -> Answer:
        """Return what the photos of *one* plant show.

        Args:
            photos: 1 to 5 files, or their bytes.
            organs: what each shows, such as "leaf"; "auto" or nothing is predicted where the model
                has learnt organs. Photos count by how often their organ is named right.
            within: species that may be named, such as those of a flora; nothing allows all.
            k: how many names.
            where: the plant was met; it counts where the model has learnt where its plants grow.
        Raises:
            ValueError: no photo or more than 5, organs that do not fit them. PhotoError: an
                unreadable photo.
        """
        organs = list(organs) or ["auto"] * len(photos)
        n_photos = len(photos)
        if not 1 <= n_photos <= MAX_PHOTOS or len(organs) != n_photos:
            raise ValueError(
                f"an answer takes 1 to {MAX_PHOTOS} photos of one plant, an organ for each; "
                f"got {n_photos} photos and {len(organs)} organs."
            )
        said, found = self._ask(_listed(photos))
        return self.conclude(said, found, organs, within, k, where=where)

    def conclude(
        self,
        said: Predictions,
        found: np.ndarray,
        organs: list[str],
        within: Iterable[str] = (),
        k: int = 5,
        n_alike: int = 1,
        where: Where | None = None,
    ) -> Answer:
        """Return the answer to one plant, of whose photos `see` has said something.

        It is that of `answer`; so a service may show the photos of many to the network at once.

        Args:
            said: what was said of each photo, N rows. found: their embeddings (N, D).
            organs: N words. n_alike: how many look-alikes of each name.
        """
        said = said.about(said.images.assign(obs_id="plant"))
        organs = self.tell_organs(found, organs)
        plant = self._pooled(said, organs)
        placed = where is not None and self.knows_places
        if placed:
            plant = self.at(plant, [where])
        within = list(within)
        plant = plant.within(within) if within else plant
        least = self.near.strangeness(found).min(keepdims=True)  # (1,)
        decided = self._decide(plant, least, placed).iloc[0]
        names = plant.top(min(k, len(self.species))).drop(columns="image_path")
        return Answer(
            names=names.merge(self.taxonomy, on="species", how="left"),
            rank=decided["rank"],
            name=decided["name"],
            unlike=bool(decided["unlike"]),
            alike=self._alike(found, names["species"], n_alike),
            organs=organs,
            place=str(where) if placed else "",
        )

    @property
    def knows_places(self) -> bool:
        """Whether a place may change an answer."""
        return self.prior is not None and self.card["prior"]["weight"] > 0

    def at(self, said: Predictions, places: list[Where | None]) -> Predictions:
        """Return what was said, with the place of each row taken into account; None has none."""
        known = [place or NOWHERE for place in places]
        told = [[place.latitude, place.longitude, place.date] for place in known]
        rows = pd.DataFrame(told, columns=["latitude", "longitude", "date"])
        images = said.images.drop(columns=rows.columns, errors="ignore")
        placed = said.about(pd.concat([images, rows], axis=1))
        return self.prior.weigh(placed, Settings(**self.card["prior"]))

    def tell(self, images: pd.DataFrame) -> pd.DataFrame:
        """Return what is said of each plant of an image table, a row a plant, as `answer` would.

        Its columns: obs_id, n_photos, rank ("species", "genus", "family", "not sure" or "unlike"),
        name, score, best (the first species, named or not), sure (its probability).

        Args:
            images: with image_path and obs_id; as inspection.set_aside returns it.
        """
        seen, found = self.see(images["image_path"].tolist())
        said = seen.about(images)
        organs = self.tell_organs(found, ["auto"] * len(images))
        plants = self._pooled(said, organs)
        codes, _ = pd.factorize(images["obs_id"])
        least = pd.Series(self.near.strangeness(found)).groupby(codes).min()
        told = self._decide(plants, least.to_numpy())
        told = told.assign(best=plants.named(), sure=plants.confidence())
        told.loc[told.pop("unlike"), ["rank", "name"]] = ["unlike", ""]
        told[["obs_id", "n_photos"]] = plants.images[["obs_id", "n_photos"]].to_numpy()
        return told.drop(columns="image_path")

    def stream(
        self, paths: list[str], size: int = 256, k: int = 5, where: Where | str = "photo"
    ) -> Iterator[pd.DataFrame]:
        """Yield a table of `size` photos at a time, a row each.

        Its columns: image_path, rank, name, score, the k best, problem; and place, where the model
        knows where its plants grow. `rank` is "" for a photo that was not read, and "unlike" for
        one that resembles nothing learnt.

        Args:
            where: all were taken; "photo" asks each photo, "" takes no place into account.
        """
        for start in range(0, len(paths), size):
            yield self._answer_each(paths[start : start + size], k, where)

    def tell_organs(self, found: np.ndarray, organs: list[str]) -> list[str]:
        """Return `organs` with each "auto" replaced by what the embedding, a row, says it shows.

        Args:
            found: embeddings (N, D).
            organs: N words.
        """
        if "organ_weight" not in self.arrays:
            return organs
        names = list(self.card["organs"])
        seen = [names[best] for best in self.organ_scores(found).argmax(1)]
        return [guess if told == "auto" else told for told, guess in zip(organs, seen)]

    def organ_scores(self, found: np.ndarray) -> np.ndarray:
        """Return how likely each embedding (N, D) shows each of the card's organs, (N, organs).

        No columns where the model has learnt no organs.
        """
        if "organ_weight" not in self.arrays:
            return np.zeros((len(found), 0))
        logits = found @ self.arrays["organ_weight"].T + self.arrays["organ_bias"]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def look(self, photo: str | bytes, species: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the photo, (S, S, 3), and where it spoke for `species`, (S, S) in [0, 1].

        See explain.grad_cam.
        """
        target = self.species.index(species)
        from plantlab.networks.explain import grad_cam

        return grad_cam(self.network, photo, target, self.image_size)

    def _ask(
        self, images: pd.DataFrame, problems: dict | None = None, opened: Callable = open_photo
    ) -> tuple[Predictions, np.ndarray]:
        """Return what the network says of each photo, calibrated, and its embedding (N, D)."""
        photos = images["image_path"].tolist()
        a_core = len(photos) // n_threads()  # a plant's few keep every core busy, too
        parts = batches(
            photos,
            self.image_size,
            batch_size=max(1, min(LARGEST_BATCH, a_core)),
            problems=problems,
            run=self.ready.embed,
            opened=opened,
        )
        none = np.zeros((0, self.near.embeddings.shape[1]), np.float32)
        found = np.concatenate([none, *parts])
        return self.say(images, found), found

    def _pooled(self, said: Predictions, organs: list[str]) -> Predictions:
        """Return one row a plant: its photos weighed by their organs, surer the more they are."""
        known = self.card["organs"]
        weights = np.array([known.get(organ, 1.0) for organ in organs])
        plants = said.by_observation("product", weights)
        return pool(plants, self.card.get("pooling", 0.0))

    def _decide(
        self, said: Predictions, strangeness: np.ndarray, placed: bool = False
    ) -> pd.DataFrame:
        """Return how deep each answer may go: image_path, rank, name, score, and if it is `unlike`.

        A row is a plant in `answer`, a photo in `stream`.
        """
        limits = self.card["prior_limits"] if placed else self.card["limits"]
        told = back_off(said, limits, self.taxonomy)
        unlike = strangeness > self.card["strange"]
        return told.drop(columns="right").assign(unlike=unlike)

    def _answer_each(self, paths: list[str], k: int, where: Where | str) -> pd.DataFrame:
        """Return the rows of `stream` for some photos."""
        problems = {}
        said, found = self._ask(_listed(paths), problems)
        strangeness = self.near.strangeness(found)
        table = self._decide(said, strangeness)
        if self.knows_places and where:
            places = [where_of([path]) if where == "photo" else where for path in paths]
            said = self.at(said, places)
            known = np.array([place is not None for place in places])
            table[known] = self._decide(said, strangeness, placed=True)[known]
            table["place"] = [str(place or "") for place in places]
        unlike = table.pop("unlike")
        table.loc[unlike, ["rank", "name", "score"]] = ["unlike", "", 0.0]
        for rank, rows in said.top(k).groupby("rank"):
            table[f"species_{rank}"] = rows["species"].to_numpy()
            table[f"score_{rank}"] = rows["score"].to_numpy()
        table["problem"] = table["image_path"].map(problems).fillna("")
        answered = table.columns[1:-1]  # all but the photo and its problem
        table.loc[table["problem"] != "", answered] = None
        return table

    def _alike(self, found: np.ndarray, species: pd.Series, n: int = 1) -> pd.DataFrame:
        """Return of each species the `n` reference photos most like any of the photos, (N, D)."""
        rows = np.flatnonzero(self.references["species"].isin(species))
        unit = found / np.linalg.norm(found, axis=1, keepdims=True)
        cosines = unit @ self.near.embeddings[rows].T  # (N, rows)
        most = cosines.max(axis=0)
        alike = self.references.iloc[rows].assign(similarity=most)
        best_first = alike.sort_values("similarity", ascending=False)
        best = best_first.groupby("species").head(n)
        return species.to_frame().merge(best, on="species")


def _listed(photos: list) -> pd.DataFrame:
    """Return an image table of photos, files or bytes, whose species is not known."""
    return pd.DataFrame({"image_path": photos, "species": None})
