"""A trained model in one folder, and what it says of a plant: names, look-alikes, or that it is not sure.

The folder holds data alone, nothing that runs: model.safetensors (float16), species.csv with the taxonomy,
references.parquet and references.safetensors (photos learnt from, to be looked at beside an answer), config.json
(preprocessing, thresholds, scores), README.md, the model card, and floras/NAME.txt, species lists to choose from.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import torch

from plantlab.heads.linear import probabilities
from plantlab.identify.answer import Answer
from plantlab.networks.backbones import Classifier
from plantlab.networks.batches import batches
from plantlab.networks.compiled import compile_network
from plantlab.networks.explain import grad_cam
from plantlab.networks.neighbours import Neighbours
from plantlab.predictions import Predictions
from plantlab.predictions.confidence import back_off, temper

MAX_PHOTOS = 5  # of one plant, as in PlantCLEF and in Pl@ntNet's API


class Identifier:
    """A network with all that an answer needs; `load` reads one, export.learn trains one, export.build takes a network.

    Attributes: `species` (K names), `taxonomy` (a row each), `card` (what config.json holds), `references` (R photos).
    """

    def __init__(
        self,
        network: Classifier,
        card: dict,
        taxonomy: pd.DataFrame,
        references: pd.DataFrame,
        arrays: dict,
    ):
        self.floras: dict[str, list[str]] = {}  # species lists by name, one of which may be chosen
        self.network, self.card, self.taxonomy, self.references = (
            network.eval(),
            card,
            taxonomy,
            references,
        )
        self.species, self.image_size, self.arrays = (
            taxonomy["species"].tolist(),
            card["image_size"],
            arrays,
        )
        self.near, self._run = Neighbours(arrays["embeddings"].astype(np.float32)), None

    @property
    def knows(self) -> str:
        """One sentence: which plants this model knows."""
        what = (
            "invented plants only"
            if self.card["kind"] == "generated"
            else f"learnt from {self.card['data']}"
        )
        few = f": {', '.join(self.species)}" if len(self.species) <= 8 else ""
        return f"This model knows {len(self.species)} species{few} ({what})."

    def see(self, photos: list, problems: dict | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return calibrated probabilities (N, K) and embeddings (N, D) of files or bytes; `problems` as in batches."""
        self._run = self._run or compile_network(self.network, self.image_size)
        few = max(
            1, min(16, len(photos) // torch.get_num_threads())
        )  # those of one plant keep every core busy, too
        rows = list(
            batches(photos, self.image_size, batch_size=few, problems=problems, run=self._run)
        )
        found = np.concatenate(rows) if rows else np.zeros((0, self.network.n_features), np.float32)
        images = pd.DataFrame({"image_path": range(len(found)), "species": None})
        said = Predictions(images, self.species, probabilities(self.network.head, found))
        return temper(said, self.card["temperature"]).probs, found

    def answer(
        self, photos: list, organs: Iterable[str] = (), within: Iterable[str] = (), k: int = 5
    ) -> Answer:
        """Return what the photos of *one* plant show.

        Args:
            photos: 1 to 5 files, or their bytes.
            organs: what each shows, such as "leaf"; "auto" or nothing is predicted where the model has learnt organs.
                Photos count by how often their organ is named right.
            within: species that may be named, such as those of a flora; nothing allows all.
        Raises:
            ValueError: no photo or more than 5, organs that do not fit them. PhotoError: an unreadable photo.
        """
        organs = list(organs) or ["auto"] * len(photos)
        if not 1 <= len(photos) <= MAX_PHOTOS or len(organs) != len(photos):
            got = f"{len(photos)} photos and {len(organs)} organs"
            raise ValueError(
                f"an answer takes 1 to {MAX_PHOTOS} photos of one plant, an organ for each; got {got}."
            )
        probs, found = self.see(photos)
        organs = self.tell_organs(found, organs)
        images = pd.DataFrame(
            {"image_path": range(len(photos)), "species": None, "obs_id": "plant"}
        )
        weights = np.array([self.card["organs"].get(organ, 1.0) for organ in organs])
        plant = Predictions(images, self.species, probs).by_observation("product", weights)
        plant = plant.within(within) if len(within := list(within)) else plant
        said = back_off(plant, self.card["limits"], self.taxonomy).iloc[0]
        unlike = self.near.strangeness(found).min() > self.card["strange"]
        names = (
            plant.top(k).drop(columns="image_path").merge(self.taxonomy, on="species", how="left")
        )
        rows = np.flatnonzero(self.references["species"].isin(names["species"]))
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        alike = self.references.iloc[rows].assign(
            similarity=(found @ self.near.embeddings[rows].T).max(axis=0)
        )
        alike = alike.sort_values("similarity", ascending=False).drop_duplicates("species")
        alike = names[["species"]].merge(alike, on="species")
        return Answer(names, said["rank"], said["name"], bool(unlike), alike, organs)

    def tell_organs(self, found: np.ndarray, organs: list[str]) -> list[str]:
        """Return `organs` with each "auto" replaced by what the embedding, a row of (N, D), says it shows."""
        if "organ_weight" not in self.arrays:
            return organs
        best = (found @ self.arrays["organ_weight"].T + self.arrays["organ_bias"]).argmax(1)
        names = list(self.card["organs"])
        return [names[i] if organ == "auto" else organ for i, organ in zip(best, organs)]

    def look(self, photo: str | bytes, species: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the photo, (S, S, 3), and where it spoke for `species`, (S, S) in [0, 1]: see explain.grad_cam."""
        return grad_cam(self.network, photo, self.species.index(species), self.image_size)

    def stream(self, paths: list[str], size: int = 256, k: int = 5) -> Iterator[pd.DataFrame]:
        """Yield a table of `size` photos at a time, a row each: image_path, rank, name, score, the k best, problem.

        `rank` is "" for a photo that was not read, and "unlike" for one that resembles nothing learnt.
        """
        for start in range(0, len(paths), size):
            part, problems = paths[start : start + size], {}
            probs, found = self.see(part, problems)
            images = pd.DataFrame({"image_path": part, "species": None})
            seen = Predictions(images, self.species, probs)
            table = back_off(seen, self.card["limits"], self.taxonomy).drop(columns="right")
            odd = self.near.strangeness(found) > self.card["strange"]
            table.loc[odd, ["rank", "name", "score"]] = ["unlike", "", 0.0]
            top = seen.top(k)
            for rank, rows in top.groupby("rank"):
                table[f"species_{rank}"], table[f"score_{rank}"] = (
                    rows["species"].to_numpy(),
                    rows["score"].to_numpy(),
                )
            table["problem"] = table["image_path"].map(problems).fillna("")
            table.loc[table["problem"] != "", table.columns[1:-1]] = None
            yield table
