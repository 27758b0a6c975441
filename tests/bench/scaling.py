"""Weak scaling on this machine, on record: two processes together beside two that know nothing of each other.

Each process has one core and its own batch, all layers learn (or photos are embedded), for photos given. Two that learn
take turns of four steps, summing their gradients and not: a machine is faster at one time than at another, by more than is to be
measured. Those that embed are started anew each time, in turned order. The efficiency is the median of the rounds' ratios.

    PLANTLAB_RUN=two-cores python tests/bench/scaling.py photos/oxford102

The record is results/scaling/<run>/record.json.
"""

import argparse

import numpy as np
import pandas as pd

from plantlab.data import prepare
from plantlab.notebook import cells, record
from plantlab.training import speed

WAYS = [speed.FREE, speed.TOGETHER]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=6)
    args = parser.parse_args()
    params = cells.Params(vars(args) | {"seed": 0})
    images, _ = prepare(args.dataset)
    rows = []
    for task in ("training", "embedding"):
        options = {
            name: getattr(args, name) for name in ("backbone", "image_size", "batch_size", "steps")
        }
        ratios = []
        for turn in range(args.rounds):
            steps, _ = speed.measure(images, WAYS if turn % 2 else WAYS[::-1], task=task, **options)
            speeds = speed.steps_a_second(steps).assign(split=task, round=turn)
            rates = speeds.set_index("way")["photos_a_second"].to_dict()
            rows.append(speeds.rename(columns={"way": "method"}))
            ratios.append(rates[WAYS[1]] / rates[WAYS[0]])
            print(task, turn, {way: round(rate, 1) for way, rate in rates.items()}, flush=True)
        told = {"method": "together / each for itself", "split": task, "n": args.rounds}
        told |= {"efficiency": float(np.median(ratios)), "least": min(ratios), "most": max(ratios)}
        print(told, flush=True)
        rows.append(pd.DataFrame([told]))
    print(record.save("scaling", params, images, pd.concat(rows, ignore_index=True)))


if __name__ == "__main__":
    main()
