"""A model in one folder of plain data: written, found by its name, read."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_safetensors

from plantlab.files import project_root, write_whole
from plantlab.identify.model import Identifier
from plantlab.identify.onnx import check_onnx
from plantlab.networks.backbones import create_network, swap_relu6

SHIPPED = Path(__file__).parents[1] / "models"


def save(model: Identifier, folder: str | Path, onnx: bool = False) -> Path:
    """Write the model into `folder`, each file whole, config.json last; return the folder.

    Args:
        onnx: also model.onnx: photos float32 (B, 3, S, S) in [0, 255] to logits (B, K), checked against torch.
    """
    folder = Path(folder)
    weights = {name: t.cpu().contiguous().numpy() for name, t in model.network.state_dict().items()}
    write_whole(
        folder / "model.safetensors", to_safetensors({n: halved(w) for n, w in weights.items()})
    )
    write_whole(folder / "references.safetensors", to_safetensors(model.arrays))
    write_whole(
        folder / "references.parquet", lambda path: model.references.to_parquet(path, index=False)
    )
    write_whole(folder / "species.csv", model.taxonomy.to_csv(index=False))
    write_whole(folder / "README.md", model_card(model))
    for name, names in model.floras.items():
        write_whole(folder / "floras" / f"{name}.txt", "\n".join([*names, ""]))
    if onnx:
        model.card["onnx"] = check_onnx(model, folder / "model.onnx")
    return write_whole(
        folder / "config.json", json.dumps(model.card, indent=1, ensure_ascii=False) + "\n"
    ).parent


def halved(array: np.ndarray) -> np.ndarray:
    """Return matrices as float16; what is one number a channel stays exact."""
    return (
        array.astype(np.float16)
        if array.ndim > 1 and array.dtype == np.float32 and array.shape[0] > 1
        else array
    )


def model_folders() -> dict[str, Path]:
    """Return the models that `load` knows by name: the project's own, in data/models, and the shipped ones."""
    found = [
        p.parent
        for at in (SHIPPED, project_root() / "data" / "models")
        for p in at.glob("*/config.json")
    ]
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
        taxonomy = pd.read_csv(
            folder / "species.csv", dtype=dict.fromkeys(("species", "genus", "family"), str)
        )
        network = create_network(card["backbone"], len(taxonomy), weights="none")
        if not card["relu6"]:
            swap_relu6(network.body)
        tensors = load_file(folder / "model.safetensors")
        like = network.state_dict()
        network.load_state_dict(
            {n: torch.from_numpy(t).to(like[n].dtype) for n, t in tensors.items()}
        )
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
