"""A trained model in one folder, and what it says of a plant: names, look-alikes, or that it is not sure.

The folder holds data alone, nothing that runs: model.safetensors (float16), species.csv with the taxonomy,
references.parquet and references.safetensors (photos learnt from, to be looked at beside an answer), config.json
(preprocessing, thresholds, scores), README.md, the model card, and floras/NAME.txt, species lists to choose from.
"""

import json
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from timeit import repeat

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_safetensors
from tqdm.auto import tqdm

from plantlab.answers import Answer, back_off, temper
from plantlab.backbones import (
    Classifier,
    compile_network,
    create_network,
    export_onnx,
    fingerprint,
    open_session,
    swap_relu6,
)
from plantlab.explain import grad_cam
from plantlab.heads import probabilities
from plantlab.images import batches
from plantlab.neighbours import Neighbours
from plantlab.photos import SUFFIXES, write_whole
from plantlab.predictions import Predictions
from plantlab.table import project_root

SHIPPED = Path(__file__).with_name("models")
MAX_PHOTOS = 5  # of one plant, as in PlantCLEF and in Pl@ntNet's API


class Identifier:
    """A network with all that an answer needs; `load` reads one, export.learn trains one, export.build takes a network.

    Attributes: `species` (K names), `taxonomy` (a row each), `card` (what config.json holds), `references` (R photos).
    """

    def __init__(self, network: Classifier, card: dict, taxonomy: pd.DataFrame, references: pd.DataFrame, arrays: dict):
        self.floras: dict[str, list[str]] = {}  # species lists by name, one of which may be chosen
        self.network, self.card, self.taxonomy, self.references = network.eval(), card, taxonomy, references
        self.species, self.image_size, self.arrays = taxonomy["species"].tolist(), card["image_size"], arrays
        self.near, self._run = Neighbours(arrays["embeddings"].astype(np.float32)), None

    @property
    def knows(self) -> str:
        """One sentence: which plants this model knows."""
        what = "invented plants only" if self.card["kind"] == "generated" else f"learnt from {self.card['data']}"
        few = f": {', '.join(self.species)}" if len(self.species) <= 8 else ""
        return f"This model knows {len(self.species)} species{few} ({what})."

    def see(self, photos: list, problems: dict | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return calibrated probabilities (N, K) and embeddings (N, D) of files or bytes; `problems` as in batches."""
        self._run = self._run or compile_network(self.network, self.image_size)
        few = max(1, min(16, len(photos) // torch.get_num_threads()))  # those of one plant keep every core busy, too
        rows = list(batches(photos, self.image_size, batch_size=few, problems=problems, run=self._run))
        found = np.concatenate(rows) if rows else np.zeros((0, self.network.n_features), np.float32)
        images = pd.DataFrame({"image_path": range(len(found)), "species": None})
        said = Predictions(images, self.species, probabilities(self.network.head, found))
        return temper(said, self.card["temperature"]).probs, found

    def answer(self, photos: list, organs: Iterable[str] = (), within: Iterable[str] = (), k: int = 5) -> Answer:
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
            raise ValueError(f"an answer takes 1 to {MAX_PHOTOS} photos of one plant, an organ for each; got {got}.")
        probs, found = self.see(photos)
        organs = self.tell_organs(found, organs)
        images = pd.DataFrame({"image_path": range(len(photos)), "species": None, "obs_id": "plant"})
        weights = np.array([self.card["organs"].get(organ, 1.0) for organ in organs])
        plant = Predictions(images, self.species, probs).by_observation("product", weights)
        plant = plant.within(within) if len(within := list(within)) else plant
        said = back_off(plant, self.card["limits"], self.taxonomy).iloc[0]
        unlike = self.near.strangeness(found).min() > self.card["strange"]
        names = plant.top(k).drop(columns="image_path").merge(self.taxonomy, on="species", how="left")
        rows = np.flatnonzero(self.references["species"].isin(names["species"]))
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        alike = self.references.iloc[rows].assign(similarity=(found @ self.near.embeddings[rows].T).max(axis=0))
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
                table[f"species_{rank}"], table[f"score_{rank}"] = rows["species"].to_numpy(), rows["score"].to_numpy()
            table["problem"] = table["image_path"].map(problems).fillna("")
            table.loc[table["problem"] != "", table.columns[1:-1]] = None
            yield table

    def save(self, folder: str | Path, onnx: bool = False) -> Path:
        """Write the model into `folder`, each file whole, config.json last; return the folder.

        Args:
            onnx: also model.onnx: photos float32 (B, 3, S, S) in [0, 255] to logits (B, K), checked against torch.
        """
        folder = Path(folder)
        weights = {name: t.cpu().contiguous().numpy() for name, t in self.network.state_dict().items()}
        write_whole(folder / "model.safetensors", to_safetensors({n: halved(w) for n, w in weights.items()}))
        write_whole(folder / "references.safetensors", to_safetensors(self.arrays))
        write_whole(folder / "references.parquet", lambda path: self.references.to_parquet(path, index=False))
        write_whole(folder / "species.csv", self.taxonomy.to_csv(index=False))
        write_whole(folder / "README.md", model_card(self))
        for name, names in self.floras.items():
            write_whole(folder / "floras" / f"{name}.txt", "\n".join([*names, ""]))
        if onnx:
            self.card["onnx"] = check_onnx(self, folder / "model.onnx")
        return write_whole(folder / "config.json", json.dumps(self.card, indent=1, ensure_ascii=False) + "\n").parent


def halved(array: np.ndarray) -> np.ndarray:
    """Return matrices as float16; what is one number a channel stays exact."""
    return array.astype(np.float16) if array.ndim > 1 and array.dtype == np.float32 and array.shape[0] > 1 else array


def identify_files(photos: list[str], out: str | Path, model: Identifier) -> str:
    """Write one row a photo into the CSV table `out` (see Identifier.stream) as it goes; return what was done.

    Rows that stand there are kept, and their photos passed over: a killed run goes on, a grown folder is completed.
    `photos` are files, or folders that are searched.

    Raises:
        ValueError: no such file or folder, no photo in them, or `out` is of another model or no such table.
    """
    listed = {}
    for each in map(Path, photos):
        if not each.exists():
            raise ValueError(f"{each} is neither a file nor a folder; name photos, or folders that hold some.")
        files = sorted(each.rglob("*")) if each.is_dir() else [each]
        listed |= {str(f): None for f in files if f == each or f.suffix.lower() in SUFFIXES and f.is_file()}
    if not listed:
        raise ValueError(f"no photos in {', '.join(photos)}; looked for {' '.join(sorted(SUFFIXES))}.")
    out, name = Path(out), f"{model.card['data']} {fingerprint(model.network)}"
    told = out.read_bytes() if out.exists() else b""
    whole = told[: told.rfind(b"\n") + 1]  # without a killed run's last line
    ours = b"image_path".startswith(told.strip()[:10])
    kept = pd.read_csv(BytesIO(whole), dtype=str, keep_default_na=False) if ours and whole.strip() else pd.DataFrame()
    if not ours or kept.size and ("model" not in kept or set(kept["model"]) - {name}):
        found = "the answers of another model" if "model" in kept else f"{told[:80].decode(errors='replace')!r}"
        raise ValueError(f"{out} holds {found}; name another file with --out, or delete it.")
    write_whole(out, whole)  # its folder, too
    todo, problems = [path for path in listed if path not in set(kept.get("image_path", ()))], 0
    with tqdm(total=len(listed), initial=len(listed) - len(todo), unit=" photos", desc="identify") as bar:
        for table in model.stream(todo):
            rows = table.assign(model=name).round(4).to_csv(index=False, header=not out.exists() or not kept.size)
            with open(out, "a", encoding="utf-8", newline="") as file:
                file.write(rows)
            problems, kept = problems + (table["problem"] != "").sum(), table
            bar.update(len(table))
    return f"{len(todo) - problems} photos named, {len(listed) - len(todo)} kept, {problems} could not be read"


def model_folders() -> dict[str, Path]:
    """Return the models that `load` knows by name: the project's own, in data/models, and the shipped ones."""
    found = [p.parent for at in (SHIPPED, project_root() / "data" / "models") for p in at.glob("*/config.json")]
    return {folder.name: folder for folder in sorted(found)}


def load(model: str | Path = "five-flowers") -> Identifier:
    """Return the model of a folder, or of a name in `model_folders`. Nothing in it is executed.

    Raises:
        ValueError: no such model; a file that is missing, damaged or of another model.
    """
    known = model_folders()
    folder = Path(model) if (Path(model) / "config.json").is_file() else known.get(str(model))
    if folder is None:
        raise ValueError(
            f"no model {str(model)!r}: no folder with a config.json, and the names are {', '.join(known)}. "
            "`plantlab export DATASET FOLDER` makes one."
        )
    try:
        card = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        taxonomy = pd.read_csv(folder / "species.csv", dtype=dict.fromkeys(("species", "genus", "family"), str))
        network = create_network(card["backbone"], len(taxonomy), weights="none")
        if not card["relu6"]:
            swap_relu6(network.body)
        tensors = load_file(folder / "model.safetensors")
        like = network.state_dict()
        network.load_state_dict({n: torch.from_numpy(t).to(like[n].dtype) for n, t in tensors.items()})
        arrays = load_file(folder / "references.safetensors")
        references = pd.read_parquet(folder / "references.parquet")
        model = Identifier(network, card, taxonomy, references, arrays)
        for path in sorted(folder.glob("floras/*.txt")):
            named = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
            if known_here := [name for name in named if name in model.species]:
                model.floras[path.stem] = known_here
        return model
    except (OSError, KeyError, RuntimeError, SafetensorError, ValueError) as error:
        raise ValueError(
            f"{folder} holds no model that can be read ({type(error).__name__}: {str(error)[:120]}). "
            "Copy the whole folder again, or export it anew."
        ) from None


def check_onnx(model: Identifier, path: Path) -> dict:
    """Write the network as ONNX; return the largest difference of its logits from torch's, and the time of each.

    Raises:
        ValueError: they differ by more than 1e-3.
    """
    write_whole(path, export_onnx(model.network.cpu(), model.image_size))
    session = open_session(path.read_bytes())
    photos = np.random.default_rng(0).integers(0, 256, (8, 3, model.image_size, model.image_size)).astype(np.float32)
    runs = {"onnx": lambda: session.run(None, {"photos": photos})[0]}
    with torch.inference_mode():
        runs["torch"] = lambda: model.network(torch.from_numpy(photos)).numpy()
        off = float(np.abs(runs["onnx"]() - runs["torch"]()).max())
        took = {name: np.median(repeat(call, number=1, repeat=10)) for name, call in runs.items()}
    if off > 1e-3:
        raise ValueError(f"the ONNX file's logits differ from torch's by {off:.2g}, more than 0.001; use torch.")
    times = {f"{name}_ms_a_photo": round(1000 * float(t) / len(photos), 2) for name, t in took.items()}
    return {"largest_difference": off, **times}


def model_card(model: Identifier) -> str:
    """Return the README.md of a model's folder, from its card."""
    card, scores = model.card, model.card["scores"]
    n = ", ".join(f"{count} {split}" for split, count in card["n_images"].items())
    found = [
        f"- {name}: {scores[m]:.3f} ({scores[f'{m}_low']:.3f}-{scores[f'{m}_high']:.3f})"
        for m, name in {"top1": "top-1", "macro_top1": "macro top-1", "mrr": "MRR"}.items()
        if m in scores
    ]
    never = "It always knows too few plants: never eat, heal or spray by its answer."
    lines = [
        f"# {card['data']}: {len(model.species)} species", "", model.knows, "",
        f"Learnt from {card['kind']} ({n}), licence: {card['licence'] or 'as the photographs'}; {card['backbone']}, "
        f"{card.get('method', 'trained')}, {card['image_size']} pixels, {card['date']}.", "",
        f"## Scores on the test split, n = {scores.get('n', 0)}, 95 % intervals", "", *found, "",
        f"An answer goes as deep as at most {card['error']:.0%} of such answers on valid were wrong, where "
        f"{card.get('strangers') or 'no'} photos more were asked about as plants not learnt. One in a hundred photos "
        "of valid was called unlike anything known.",
        *card.get("notes", []), "", "## Not for", "", never, "",
    ]  # fmt: skip
    return "\n".join(lines)
