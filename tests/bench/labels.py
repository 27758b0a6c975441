"""What labels are worth that are chosen by doubt and diversity, against as many drawn by chance.

    PLANTLAB_RUN=greenhouse python tests/bench/labels.py greenhouse
    PLANTLAB_RUN=oxford102 python tests/bench/labels.py photos/oxford102 --swap

Heads on frozen embeddings: two labels a species to begin with, then 40 more in each of five rounds; both ways
from the same beginnings, which the seeds draw. The record is results/labels/<run>/record.json.
"""

import argparse

import numpy as np
import pandas as pd

from plantlab.data import prepare, splits
from plantlab.heads import linear, vectors
from plantlab.networks import backbones, embeddings
from plantlab.notebook import cells, record
from plantlab.predictions import compare, metrics
from plantlab.predictions.labelling import label_next

FIRST = 2  # labels a species
ROUND = 40
ROUNDS = 5
SEEDS = 10
BACKBONE = "tf_efficientnet_lite0"


def labelled(photos: vectors.Photos, pool: np.ndarray, how: str, seed: int) -> dict:
    """Return what is said of test after each round, by the number of labels."""
    rng = np.random.default_rng(seed)
    targets = photos.targets
    first = []
    for species in range(len(photos.species)):
        own = pool[targets[pool] == species]
        first.append(rng.choice(own, min(FIRST, len(own)), replace=False))
    known = np.concatenate(first)
    said = {}
    for _ in range(ROUNDS + 1):
        head = linear.fit_linear(
            photos.vectors[known], targets[known], len(photos.species), penalty=1, scale=False
        )
        said[len(known)] = photos.ask(head, "test")
        left = np.setdiff1d(pool, known)
        new = rng.choice(len(left), ROUND, replace=False)
        if how == "chosen":
            new = label_next(photos.ask_photos(head, left), photos.vectors[left], ROUND, seed)
        known = np.concatenate([known, left[new]])
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--swap", action="store_true", help="label the published test photos")
    args = parser.parse_args()
    params = cells.Params(vars(args) | {"backbone": BACKBONE})
    images, _ = prepare(args.dataset)
    images = splits.only_trusted(images).reset_index(drop=True)
    if args.swap:
        sides = {"test": "train", "train": "test", "valid": "test"}
        images["split"] = images["split"].map(sides)
    images = images[images["species"].isin(images["species"][images["split"] == "train"])]
    images = images.reset_index(drop=True)
    network = backbones.create_network(BACKBONE)
    seen = embeddings.embed(images, network, 128)
    in_train = (images["split"] == "train").to_numpy()
    photos = vectors.Photos(images, vectors.principal_components(seen, in_train, 100))
    pool = np.flatnonzero(in_train)
    rows = []
    for seed in range(SEEDS):
        by_chance = labelled(photos, pool, "by chance", seed)
        chosen = labelled(photos, pool, "chosen", seed)
        for n_labels, said in chosen.items():
            gain = compare.gains({"chosen": said}, by_chance[n_labels], measure="top1").iloc[0]
            macro = [
                metrics.score(each, measures=["macro_top1"]) for each in (said, by_chance[n_labels])
            ]
            lead = macro[0]["macro_top1"].iloc[0] - macro[1]["macro_top1"].iloc[0]
            told = {"labels": n_labels, "seed": seed, "split": "test", "gain_macro": lead}
            rows.append(gain.to_dict() | told)
    table = pd.DataFrame(rows)
    means = table.groupby("labels")[["top1", "gain", "gain_macro"]].agg(["mean", "min", "max"])
    print((100 * means).round(1).to_string())
    print(record.save("labels", params, images, table, weights=[network.weights]))


if __name__ == "__main__":
    main()
