"""A model in one folder of plain data: written, found by its name, read.

The folder holds data alone, nothing that runs: model.safetensors (float16), species.csv with the
taxonomy, references.parquet and references.safetensors (photos learnt from, to be looked at beside
an answer), config.json (preprocessing, thresholds, scores), README.md, the model card, and
floras/NAME.txt, species lists to choose from, and places.csv, where its plants were seen, to ten
kilometres, if that is known.
"""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_safetensors

from plantlab.data.matching import match_names, read_names
from plantlab.files import project_root, write_whole
from plantlab.identify import places
from plantlab.identify.model import Identifier
from plantlab.identify.ready import prepare

if TYPE_CHECKING:  # torch is loaded where a network is made
    from plantlab.networks.backbones import Classifier

SHIPPED = Path(__file__).parents[1] / "models"
TOLD = {"top1": "top-1", "macro_top1": "macro top-1", "mrr": "MRR"}  # in a model card
BROKEN = (OSError, KeyError, RuntimeError, SafetensorError, ValueError)  # what a bad folder raises


def save(model: Identifier, folder: str | Path, onnx: bool = False) -> Path:
    """Write the model into `folder`, each file whole, config.json last; return the folder.

    Args:
        onnx: also model.onnx: photos float32 (B, 3, S, S) in [0, 255] to logits (B, K), checked
            against torch.
    """
    folder = Path(folder)
    weights = {}
    for name, tensor in model.network.state_dict().items():
        weights[name] = halved(tensor.cpu().contiguous().numpy())
    write_whole(folder / "model.safetensors", to_safetensors(weights))
    write_whole(folder / "references.safetensors", to_safetensors(model.arrays))

    def write_references(path: Path) -> None:
        model.references.to_parquet(path, index=False)

    write_whole(folder / "references.parquet", write_references)
    write_whole(folder / "species.csv", model.taxonomy.to_csv(index=False))
    if model.prior is not None:
        write_whole(folder / "places.csv", places.to_table(model.prior).to_csv(index=False))
    write_whole(folder / "README.md", model_card(model))
    for name, species in model.floras.items():
        write_whole(folder / "floras" / f"{name}.txt", "\n".join([*species, ""]))
    if onnx:
        from plantlab.identify.onnx import check_onnx

        model.card["onnx"] = check_onnx(model, folder / "model.onnx")
    card = json.dumps(model.card, indent=1, ensure_ascii=False)
    write_whole(folder / "config.json", card + "\n")
    return folder


def halved(array: np.ndarray) -> np.ndarray:
    """Return matrices as float16; what is one number a channel stays exact."""
    a_matrix = array.ndim > 1 and array.shape[0] > 1
    if a_matrix and array.dtype == np.float32:
        return array.astype(np.float16)
    return array


def model_folders() -> dict[str, Path]:
    """Return the models that `load` knows by name: the project's, in data/models, and the shipped.

    Of two with one name, the one whose path sorts last counts.
    """
    folders = []
    for place in (SHIPPED, project_root() / "data" / "models"):
        folders += [config.parent for config in place.glob("*/config.json")]
    return {folder.name: folder for folder in sorted(folders)}


def load(model: str | Path = "five-flowers") -> Identifier:
    """Return the model of a folder, or of a name in `model_folders`. Nothing in it is executed.

    Raises:
        ValueError: no such model; a file that is missing, damaged or of another model.
    """
    known = model_folders()
    folder = Path(model)
    if not (folder / "config.json").is_file():
        folder = known.get(str(model))
    if folder is None:
        raise ValueError(
            f"no model {str(model)!r}: no folder with a config.json, and the names are "
            f"{', '.join(known)}. `plantlab export DATASET FOLDER` makes one."
        )
    try:
        return _read(folder)
    except BROKEN as error:
        raise ValueError(
            f"{folder} holds no model that can be read ({type(error).__name__}: "
            f"{str(error)[:120]}). Copy the whole folder again, or export it anew."
        ) from None


def _read(folder: Path) -> Identifier:
    card = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = dict.fromkeys(("species", "genus", "family"), str)
    nothing = {"genus": [""], "family": [""]}  # a species may be called None, or NA
    file = folder / "species.csv"
    taxonomy = pd.read_csv(file, dtype=names, keep_default_na=False, na_values=nothing)
    weights = folder / "model.safetensors"
    make = partial(_read_network, weights, card, len(taxonomy))
    network = prepare(weights, card, len(taxonomy), make)
    arrays = load_file(folder / "references.safetensors")
    references = pd.read_parquet(folder / "references.parquet")
    model = Identifier(network, card, taxonomy, references, arrays)
    model.folder = folder.absolute()
    for path in sorted(folder.glob("floras/*.txt")):
        matched = match_names(read_names(path), model.species)
        here = matched["match"].dropna().drop_duplicates().tolist()
        if here:
            model.floras[path.stem] = here
    if "prior" in card:
        seen = pd.read_csv(folder / "places.csv", dtype={"species": str}, keep_default_na=False)
        model.prior = places.from_table(seen, model.species)
    return model


def _read_network(file: Path, card: dict, n_species: int) -> "Classifier":
    """Return the network that the card describes, with the weights of `file`."""
    import torch

    from plantlab.networks.backbones import create_network, swap_relu6

    backbone = card["backbone"]
    network = create_network(backbone, n_species, weights="none")
    if not card["relu6"]:
        swap_relu6(network.body)
    expected = network.state_dict()
    state = {}
    for name, array in load_file(file).items():
        state[name] = torch.from_numpy(array).to(expected[name].dtype)
    network.load_state_dict(state)
    unknown = {"backbone": backbone, "origin": "not recorded", "sha256": None}
    network.weights = card.get("weights", unknown)  # older cards lack them
    return network


def model_card(model: Identifier) -> str:
    """Return the README.md of a model's folder, from its card."""
    card = model.card
    counts = ", ".join(f"{count} {split}" for split, count in card["n_images"].items())
    licence = card["licence"] or "as the photographs"
    lines = [
        f"# {card['data']}: {len(model.species)} species",
        "",
        model.knows,
        "",
        f"Learnt from {card['kind']} ({counts}), licence: {licence}; {card['backbone']}, "
        f"{card.get('method', 'trained')}, {card['image_size']} pixels, {card['date']}.",
        "",
        f"## Scores on the test split, n = {card['scores'].get('n', 0)}, 95 % intervals",
        "",
        *_told_scores(card["scores"]),
        "",
        f"An answer goes as deep as at most {card['error']:.0%} of such answers on valid were "
        f"wrong, where {card.get('strangers') or 'no'} plants more were asked about as species not "
        "learnt. One in a hundred photos of valid was called unlike anything known.",
        *_told_places(card.get("prior")),
        *card.get("notes", []),
        "",
        "## Not for",
        "",
        "It always knows too few plants: never eat, heal or spray by its answer.",
        "",
    ]
    return "\n".join(lines)


def _told_places(prior: dict | None) -> list[str]:
    """Return what a model card says of places, [] where the model knows none."""
    if prior is None:
        return []
    reach = f"{prior['kilometres']:g} km and {prior['days']:g} days"
    counts = f"counts with the weight {prior['weight']:g}" if prior["weight"] else "counts nothing"
    return [
        "",
        f"places.csv holds where its plants were seen, to some ten kilometres. A place {counts} "
        f"(kernels of {reach}, chosen on valid where a plant's own degree of the globe was passed "
        "over), and rules no species out. Leave it out in gardens.",
    ]


def _told_scores(scores: dict) -> list[str]:
    """Return a line of a model card for each score that it tells, with its interval."""
    lines = []
    for measure, name in TOLD.items():
        if measure in scores:
            low = scores[f"{measure}_low"]
            high = scores[f"{measure}_high"]
            lines.append(f"- {name}: {scores[measure]:.3f} ({low:.3f}-{high:.3f})")
    return lines
