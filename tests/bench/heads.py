"""Heads for very many species: what they weigh and take, and how near they come to the best possible.

    PLANTLAB_RUN=field python tests/bench/heads.py field
    PLANTLAB_RUN=world-0 python tests/bench/heads.py world --n 80000 --seed 0 --names species.csv.gz
    PLANTLAB_RUN=scoring python tests/bench/heads.py scoring

The record is results/09_many_species/<run>/record.json; notebook 09 shows what is on record.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score

from plantlab.heads.many import contest, field, trees, world
from plantlab.heads.many.ask import ask
from plantlab.notebook import cells, record
from plantlab.predictions import metrics

NOTEBOOK = "09_many_species"
SIZES = [1_000, 10_000, 80_000, 294_000, 1_000_000]
SCORED = 26_868  # plants of PlantCLEF 2022's test


def as_table(n_species: int, name: str) -> pd.DataFrame:
    """Return an image table that stands for an invented world in a record."""
    table = pd.DataFrame({"image_path": map(str, range(n_species)), "kind": "generated"})
    table["species"] = "species " + table["image_path"]
    table.attrs["name"] = name
    return table


def weighed(args: argparse.Namespace) -> tuple[pd.DataFrame, int]:
    rows = field.weigh(field.HEADS, args.sizes)
    return rows.assign(split="none", n=256, kind="generated"), max(args.sizes)


def fought(args: argparse.Namespace) -> tuple[pd.DataFrame, int]:
    if args.names:
        names = pd.read_csv(args.names, sep=None, engine="python").iloc[: args.n, -1]
        genus = trees.by_genus(names.str.replace("\xa0", " ").tolist())
    else:
        genus = world.genera(args.n)
    grown = world.grow_world(genus, seed=args.seed)
    counts = world.long_tail(len(genus), most=20, seed=args.seed + 1)
    lesson = contest.Lesson(grown, genus, counts, epochs=args.epochs, seed=args.seed)
    names = args.heads.split(";") if args.heads else None
    return contest.contest(lesson, names), len(genus)


def scored(args: argparse.Namespace) -> tuple[pd.DataFrame, int]:
    """Time ours and scikit-learn's on the largest case that both manage, ours on the largest there is."""
    rng = np.random.default_rng(0)
    rows = []
    for n, n_species in ((2_000, 20_000), (SCORED, 80_000)):
        means = rng.standard_normal((n_species, 64), np.float32)
        asked = rng.integers(0, n_species, n)
        embeddings = means[asked] + 2 * rng.standard_normal((n, 64), np.float32)
        species = np.array([f"species {k}" for k in range(n_species)])
        images = pd.DataFrame({"image_path": map(str, range(n)), "species": species[asked]})
        images["kind"] = "generated"
        head = world.World(means).best_head()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        answers = ask(head, embeddings, images, species, k=30)
        ours = metrics.score(answers, n_boot=200, measures=contest.MEASURES).iloc[0].to_dict()
        seconds = time.perf_counter() - began
        peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
        told = {"n": n, "n_species": n_species, "split": "test", "kind": "generated"}
        rows.append(ours | told | {"method": "plantlab", "score_s": seconds, "peak_mb": peak})
        print(rows[-1])
        if n_species > 20_000:
            continue
        began = time.perf_counter()
        with torch.inference_mode():
            probs = head(torch.from_numpy(embeddings)).softmax(1).numpy()
        truth = np.zeros(probs.shape, bool)
        truth[np.arange(n), asked] = True
        mrr = label_ranking_average_precision_score(truth, probs)
        top = [
            top_k_accuracy_score(asked, probs, k=k, labels=np.arange(n_species)) for k in (1, 5, 30)
        ]
        seconds = time.perf_counter() - began
        theirs = {"method": "scikit-learn", "score_s": seconds, "mrr": mrr, "top1": top[0]}
        rows.append(told | theirs | {"top5": top[1], "top30": top[2]})
        print(rows[-1])
        assert abs(mrr - ours["mrr"]) < 1e-4
    return pd.DataFrame(rows), 80_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["field", "world", "scoring"])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--n", type=int, default=80_000, help="species of the world")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--names", help="a table whose last column holds species' names")
    parser.add_argument("--heads", help="of the world, parted by semicolons; else all")
    args = parser.parse_args()
    params = cells.Params(vars(args) | {"names": bool(args.names)})
    run = {"field": weighed, "world": fought, "scoring": scored}[args.what]
    rows, n_species = run(args)
    print(rows.round(4).to_string())
    record.save(NOTEBOOK, params, as_table(n_species, f"{args.what} of heads"), rows)


if __name__ == "__main__":
    main()
