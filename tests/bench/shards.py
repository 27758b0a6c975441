"""Photos a second from files, from shards as they are, and from resized shards, on record.

The photos are enlarged to the size that cameras make (shorter side 1,200 pixels, JPEG), for those at hand are small;
what is timed is a pass of the loader, cropped and mirrored as in training. Ways take turns; the ratio is the median.

    PLANTLAB_RUN=camera-size python tests/bench/shards.py photos/oxford102

The record is results/shards/<run>/record.json.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from plantlab.data import prepare
from plantlab.data.photos import open_photo
from plantlab.data.shards import write_shards
from plantlab.networks.batches import loaders
from plantlab.notebook import cells, record

SHORTER = 1200  # pixels, of what a camera makes


def enlarged(images: pd.DataFrame, folder: Path) -> Path:
    """Write the photos as large as cameras make them, a folder a species."""
    for number, row in enumerate(images.itertuples()):
        photo = open_photo(row.image_path)
        scale = SHORTER / min(photo.size)
        place = folder / row.species.replace("/", "-")
        place.mkdir(parents=True, exist_ok=True)
        large = photo.resize([round(scale * side) for side in photo.size])
        large.save(place / f"{number:04d}.jpg", quality=90)
    return folder


def photos_a_second(images: pd.DataFrame, args: argparse.Namespace) -> float:
    """Return how many photos a second come out of one pass of a loader."""
    learnt = images.assign(split="train")
    dls = loaders(learnt, args.image_size, 32, n_workers=args.workers)
    started = time.perf_counter()
    n = sum(len(targets) for _, targets in dls.train)
    return n / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--n", type=int, default=320)
    parser.add_argument("--size", type=int, default=256, help="of the resized shards")
    parser.add_argument("--image-size", type=int, default=128, help="that a network sees")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    params = cells.Params(vars(args) | {"seed": 0})
    images, _ = prepare(args.dataset)
    some = images.sample(args.n, random_state=0)
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        files, _ = prepare(enlarged(some, place / "files"), split=False)
        write_shards(files, place / "whole")
        write_shards(files, place / "small", args.size)
        ways = {"files": files}
        ways["shards, as they are"] = prepare(place / "whole", split=False)[0]
        ways[f"shards, {args.size} pixels"] = prepare(place / "small", split=False)[0]
        for turn in range(args.rounds):
            for way in list(ways)[:: 1 if turn % 2 else -1]:
                rates.setdefault(way, []).append(photos_a_second(ways[way], args))
    rows = []
    for way, own in rates.items():
        ratio = np.median(np.divide(own, rates["files"]))
        row = {"method": way, "split": "none", "n": args.n, "photos_a_second": np.median(own)}
        rows.append(row | {"beside_files": float(ratio)})
    table = pd.DataFrame(rows)
    print(table.round(3).to_string())
    print(record.save("shards", params, images, table))


if __name__ == "__main__":
    main()
