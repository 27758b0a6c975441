"""fastai beside plantlab: same photos, same weights, same cores, one run (graphics cards are left out).

Parts: start (import times, greenhouse photos a minute), loading (JPEG files to batches), embedding (photos a second and
share of the cores' matrix-product peak), identify (from file to answer), training (top-1 against minutes to a trained
model, scoring left out), crowded (a training step and an embedding alone and beside two busy processes, with random
weights, as torch has it and as plantlab sets it). Asked for by name, search (look-alikes among 1,000 to 1,000,000 vectors, exact and by faiss; it
needs 13 GiB of memory and ten minutes), kept as a record that notebook 07 reads:

    PLANTLAB_RUN=search make bench ARGS="--parts search --dataset photos/oxford102 --image-size 192"

fastai gets the weights that plantlab gets: `create_network` loads them, its body is cut before the pooling and topped
as `vision_learner` does it (`add_head`, body frozen). It runs as its users run it: contiguous memory, `Resize`,
`aug_transforms`, `fine_tune` at its default rates and workers, before plantlab changes how the process keeps memory.
All train on train + valid and are scored once on test: nothing is chosen here.

    make bench ARGS="--dataset photos/oxford102 --backbone mobilenet_v2 --image-size 160 --epochs 1,4"
"""

# ruff: noqa: E402  the first lines must act before torch and fastai are imported
import argparse
import contextlib
import copy
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")

import crowded
import numpy as np
import pandas as pd
import torch
from fastai.vision import all as fv
from torch.utils.flop_counter import FlopCounterMode
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from plantlab import files, greenhouse, training
from plantlab.data import inspection, layouts, plants, splits, table
from plantlab.identify.build import build
from plantlab.networks import backbones, compiled, embeddings, weights
from plantlab.networks.batches import loaders
from plantlab.networks.decoded import batches
from plantlab.networks.neighbours import Neighbours
from plantlab.notebook import cells, record
from plantlab.predictions import Predictions, metrics

TWO_STEP = {"lr": 1e-3, "augment": "crop"}


def rates(
    timed: dict[str, Callable[[], float]], rounds: int = 3, warm_ups: int = 0
) -> dict[str, float]:
    """Return units a second of each function (a call returns how many it did): medians of rounds, taken in turns.

    In turns, so that whatever else the machine does slows all of them alike.
    """
    found = {name: [] for name in timed}
    for _ in range(warm_ups + rounds):
        for name, call in timed.items():
            started = time.perf_counter()
            found[name].append(call() / (time.perf_counter() - started))
    return {name: float(np.median(each[warm_ups:])) for name, each in found.items()}


@contextlib.contextmanager
def fresh_project() -> Iterator[Path]:
    """Work in an empty folder: every cache of plantlab starts empty, and the user's own is left alone."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        yield Path(folder)


def read(args) -> pd.DataFrame:
    """Return the rows used, split train and test; `--limit` keeps the commonest species, to about so many photos."""
    images, _ = inspection.set_aside(layouts.read_images(args.dataset))
    images = splits.complete_splits(plants.assign_observations(images))
    table.require(images, "species")
    images["split"] = images["split"].replace({"valid": "train"})
    if args.limit:
        most = images.loc[images["split"] == "train", "species"].value_counts()
        kept = most.index[: max(2, int((most.cumsum() <= args.limit).sum()))]
        images = splits.k_shot(
            images[images["species"].isin(kept)], max(2, args.limit // len(kept))
        )
    test = images[images["split"] == "test"]
    scored = test.sample(min(len(test), args.limit or args.n_test or len(test)), random_state=0)
    images = images.drop(test.index.difference(scored.index)).reset_index(drop=True)
    for path in images["image_path"]:
        Path(path).read_bytes()  # into the operating system's cache, for all alike
    return images


def fastai_loaders(images: pd.DataFrame, item_tfms: list, **options) -> fv.DataLoaders:
    """Return fastai's own loaders over the train rows."""
    rows = images.assign(name=table.relative_names(images), held_out=False)[
        ["image_path", "name", "species", "held_out"]
    ]
    root = rows["image_path"].iloc[0].removesuffix(rows["name"].iloc[0])
    options |= {"path": root, "fn_col": "name", "label_col": "species", "valid_col": "held_out"}
    rows = rows[images["split"] == "train"]
    return fv.ImageDataLoaders.from_df(rows, item_tfms=item_tfms, **options)


def fastai_learner(images: pd.DataFrame, args) -> fv.Learner:
    """Return what `vision_learner` makes, on the body and weights of `create_network`."""
    network = backbones.create_network(args.backbone, weights=args.weights).to(
        memory_format=torch.contiguous_format
    )
    mean, std = ((each.flatten() / 255).tolist() for each in (network.mean, network.std))
    tfms = [*fv.aug_transforms(), fv.Normalize.from_stats(mean, std, cuda=False)]
    dls = fastai_loaders(images, [fv.Resize(args.image_size)], batch_tfms=tfms, bs=args.batch_size)
    if isinstance(network.body, torch.nn.Sequential):  # torchvision's: features, pooling, flatten
        model = fv.add_head(network.body[0], network.n_features, len(dls.vocab))
    else:
        body = fv.TimmBody(network.body)
        model = fv.add_head(body, network.body.num_features, len(dls.vocab), pool=body.needs_pool)
    learn = fv.Learner(
        dls, model, fv.CrossEntropyLossFlat(), splitter=fv.default_split, metrics=fv.accuracy
    )
    learn.freeze()
    return learn


def bench_training(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield a row for each way to a trained model, each in a project of its own with nothing cached."""
    held_out, size = images["split"] == "test", args.image_size
    test, names = (
        images[held_out].reset_index(drop=True),
        table.relative_names(images)[held_out].to_numpy(),
    )

    def row(method: str, epochs: str, seconds: float, predictions: Predictions) -> dict:
        score = metrics.score(predictions, measures=["top1"])[
            ["n", "top1", "top1_low", "top1_high"]
        ]
        return {
            "method": method,
            "epochs": epochs,
            "minutes": seconds / 60,
            **score.astype(object).iloc[0],
        }

    with fresh_project():
        started = time.perf_counter()
        network = backbones.create_network(args.backbone, weights=args.weights)
        species = training.fit_head(network, images, size, args.penalty)
        seconds = time.perf_counter() - started
        yield row("plantlab fit_head", "0", seconds, training.predict(network, species, test, size))
    for epochs in args.epochs:
        fv.set_seed(0)
        started = time.perf_counter()
        learn = fastai_learner(images, args)
        with learn.no_bar(), learn.no_logging():
            learn.fine_tune(epochs)
            seconds = time.perf_counter() - started
            probs, _ = learn.get_preds(dl=learn.dls.test_dl(test.assign(name=names)))
        yield row(
            "fastai fine_tune",
            f"1 + {epochs}",
            seconds,
            Predictions(test, learn.dls.vocab, probs.numpy()),
        )
    for epochs in args.epochs:
        with fresh_project():
            options = TWO_STEP | {
                "epochs": epochs,
                "batch_size": args.batch_size,
                "penalty": args.penalty,
            }
            network, species, cost = training.train(
                images, "two-step", args.backbone, args.weights, size, **options
            )
        yield row(
            "plantlab two-step",
            f"0 + {epochs}",
            cost["seconds"],
            training.predict(network, species, test, size),
        )


@torch.inference_mode()
def in_torch(
    network: torch.nn.Module, decoded: list[np.ndarray], layout=torch.channels_last
) -> int:
    """Embed the batches as whoever runs the bare network of timm does; return how many photos that were."""
    return sum(len(network.features(torch.from_numpy(x).to(memory_format=layout))) for x in decoded)


def bench_embedding(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield photos and GFLOP a second of each way to embed, beside the matrix-product peak of the same cores."""
    size, n = args.image_size, args.batch_size
    network = backbones.create_network(args.backbone, weights=args.weights)
    plain = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    train = images[images["split"] == "train"]
    paths = train["image_path"].tolist()[: 4 * n]
    decoded, cores = (
        list(batches(paths, size, batch_size=n)),
        ThreadPoolExecutor(torch.get_num_threads()),
    )
    started = time.perf_counter()
    run = compiled.compile_network(network, size)
    yield {"method": "plantlab: export and compile, once", "seconds": time.perf_counter() - started}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.features(torch.zeros(1, 3, size, size))
    gflop = (
        counter.get_total_flops() / 1e9
    )  # of one photo; a multiply-add counts two, as in the matrix product
    a, b = torch.randn(2, 2048, 2048)

    found = rates(
        {
            "matrix product": lambda: len(a @ b) / 2048,
            "eager torch, network only": lambda: in_torch(plain, decoded, torch.contiguous_format),
            "eager torch channels_last, network only": lambda: in_torch(network, decoded),
            "plantlab, network only": lambda: sum(map(len, cores.map(run, decoded))),
            "plantlab, decoding included": lambda: sum(
                map(len, batches(paths, size, batch_size=n, run=run))
            ),
        },
        rounds=5,
        warm_ups=1,
    )
    peak = found.pop("matrix product") * 2 * 2048**3 / 1e9
    yield {
        "method": "matrix product 2048 x 2048, float32",
        "gflop_per_s": peak,
        "share_of_peak": 1.0,
    }
    started = time.perf_counter()
    embeddings.embed(train, network, size, cache=None, batch_size=n)
    found["plantlab.embed, cold: export, hashes, decoding"] = len(train) / (
        time.perf_counter() - started
    )
    for method, rate in found.items():
        work = {
            "gflop_per_photo": gflop,
            "gflop_per_s": rate * gflop,
            "share_of_peak": rate * gflop / peak,
        }
        yield {"method": method, "images_per_s": rate, **work}


def bench_loading(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield photos a second from files to batches of the train rows: plantlab, torchvision, fastai."""
    train, size, n = images[images["split"] == "train"], args.image_size, args.batch_size
    options = {
        "batch_size": n,
        "num_workers": args.workers,
        "shuffle": True,
        "drop_last": len(train) > n,
    }
    crop = [v2.RandomResizedCrop(size, scale=(0.3, 1.0), antialias=True), v2.RandomHorizontalFlip()]
    recipes = {
        "resize, centre crop": ("none", [v2.Resize(size), v2.CenterCrop(size)], [fv.Resize(size)]),
        "random crop, flip": (
            "crop",
            crop,
            [fv.RandomResizedCrop(size, min_scale=0.3), fv.FlipItem()],
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        for i, (path, species) in enumerate(
            zip(train["image_path"], pd.factorize(train["species"])[0])
        ):
            link = Path(
                folder, f"{species:05d}", f"{i:06d}{Path(path).suffix}"
            )  # a class folder each, of links
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(path)
        for recipe, (augment, tv_tfms, fastai_tfms) in recipes.items():
            classes = ImageFolder(folder, v2.Compose([*tv_tfms, v2.PILToTensor()]))
            beside = {
                "plantlab.loaders": loaders(train, size, n, augment, n_workers=args.workers).train,
                "torchvision ImageFolder + DataLoader": torch.utils.data.DataLoader(
                    classes, **options
                ),
                "fastai ImageDataLoaders": fastai_loaders(
                    images, fastai_tfms, bs=n, num_workers=args.workers
                ).train,
            }
            calls = {
                name: lambda dl=dl: sum(len(targets) for _, targets in dl)
                for name, dl in beside.items()
            }
            if augment == "none":
                paths = train["image_path"].tolist()
                calls["plantlab.batches (threads; for embedding)"] = lambda p=paths: sum(
                    map(len, batches(p, size))
                )
            for method, rate in rates(calls).items():
                yield {
                    "recipe": recipe,
                    "method": method,
                    "images_per_s": rate,
                    "workers": args.workers,
                }


def bench_start(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield import times in fresh interpreters, and how fast the built-in flora is photographed."""
    for module in ("plantlab", "plantlab.data.table", "fastai.vision.all"):
        code = (
            f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        )
        times = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(4)][1:]
        yield {"what": f"import {module}", "value": float(np.median(times)), "unit": "s"}
    n = args.limit or 600
    with fresh_project() as folder:
        photographed = rates(
            {"all": lambda: len(greenhouse.build(folder / "flora", n_images=n))}, rounds=1
        )["all"]
    yield {
        "what": f"greenhouse, {n} photos of 128 px",
        "value": 60 * photographed,
        "unit": "photos a minute",
    }


def bench_identify(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield milliseconds to an answer about one photo, and photos a second of a folder, from files to names."""
    size, n, whole = args.image_size, args.batch_size, images["split"] == "test"
    network = backbones.create_network(args.backbone, weights=args.weights)
    species = training.fit_head(network, images, size, args.penalty, cache=None)
    halves = np.where(
        np.arange(len(images)) % 2, "valid", "test"
    )  # thresholds are of no matter here
    asked = images.assign(split=np.where(whole, halves, images["split"]))
    model = build(network, species, asked, size, thumbnails=False)
    learn, paths = fastai_learner(images, args), images.loc[whole, "image_path"].tolist()[:1000]
    decoded, cores = (
        list(batches(paths, size, batch_size=n)),
        ThreadPoolExecutor(torch.get_num_threads()),
    )
    run = compiled.compile_network(network, size)
    one, turn = paths[:50], {}

    def single(call: Callable) -> Callable:
        return lambda: len([call(path) for path in one])

    with learn.no_bar(), learn.no_logging():
        turn["plantlab answer"] = single(lambda path: model.answer([path]))
        turn["fastai predict"] = single(learn.predict)
        for method, rate in rates(turn, warm_ups=1).items():
            yield {"what": "one photo", "method": method, "ms": 1000 / rate}
        folder = {
            "network alone, decoded before": lambda: sum(map(len, cores.map(run, decoded))),
            "network alone, eager torch": lambda: in_torch(network, decoded),
            "plantlab stream": lambda: sum(map(len, model.stream(paths))),
            "fastai get_preds": lambda: len(
                learn.get_preds(dl=learn.dls.test_dl(paths, num_workers=args.workers))[0]
            ),
        }
        found = rates(folder, warm_ups=1)
    for method, rate in found.items():
        shares = {"share_of_network": "decoded before", "share_of_eager": "eager torch"}
        shares = {name: rate / found[f"network alone, {which}"] for name, which in shares.items()}
        yield {"what": f"{len(paths)} photos", "method": method, "images_per_s": rate, **shares}


def bench_search(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield recall among the first ten, milliseconds of processor a query (of 200 at once) and MiB, exact and by faiss.

    The vectors lie as those of photos do: a photo's embedding plus noise with the covariance within species, half the sum
    of four photos' differences from the mean of their species. Random ones, the hard case, end at 100,000.
    """
    rng = np.random.default_rng(0)
    known = embeddings.embed(
        images, backbones.create_network(args.backbone, weights=args.weights), args.image_size
    )
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    own = (
        known
        - pd.DataFrame(known).groupby(images["species"].to_numpy()).transform("mean").to_numpy()
    )

    def like_photos(n: int) -> np.ndarray:
        return (
            known[rng.integers(0, len(known), n)]
            + sum(own[rng.integers(0, len(own), n)] for _ in range(4)) / 2
        )

    def at_random(n: int) -> np.ndarray:
        return rng.standard_normal((n, known.shape[1]), dtype=np.float32)

    for drawn, draw in {"like photos": like_photos, "random": at_random}.items():
        for size in (n for n in args.sizes if draw is like_photos or n <= 100_000):
            rows, queries = np.empty((size, known.shape[1]), np.float32), draw(200)
            for start in range(0, size, 10_000):  # a part at a time bounds the memory
                rows[start : start + 10_000] = draw(min(10_000, size - start))
            exact = Neighbours(rows, exact=True)
            del rows
            started = time.process_time()
            by_faiss = Neighbours(exact.embeddings, exact=False)
            built = time.process_time() - started
            found, truth = {"exact": exact, "faiss": by_faiss}, exact.search(queries)[1]
            for name, each in found.items():
                each.search(queries)  # what is loaded first is not timed
                started = time.process_time()
                rows_found = each.search(queries)[1]
                ms = 1000 * (time.process_time() - started) / len(queries)
                recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, rows_found)])
                row = {
                    "method": name,
                    "split": "search",
                    "n": 200,
                    "drawn": drawn,
                    "vectors": size,
                    "recall": recall,
                }
                row |= {"ms_a_query": ms, "mib": each.nbytes / 2**20, "dimensions": known.shape[1]}
                yield row | {"seconds_to_build": built if name == "faiss" else 0.0}


def bench_crowded(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield what a training step and an embedding take alone and beside busy processes, under each setting."""
    yield from crowded.measure(args.backbone, args.image_size, args.batch_size)


def verdict(rows: list[dict]) -> str:
    """Return one sentence: how soon plantlab first reaches fastai's best."""
    best = max((r for r in rows if r["method"].startswith("fastai")), key=lambda r: r["top1"])
    said = f"fastai's best is {best['top1']:.3f} after {best['minutes']:.1f} minutes; "
    reached = [r for r in rows if r["method"].startswith("plantlab") and r["top1"] >= best["top1"]]
    if not reached:
        return said + "plantlab does not reach it."
    first = min(reached, key=lambda r: r["minutes"])
    part = f"1/{best['minutes'] / first['minutes']:.0f} of the time"
    return said + f"{first['method']} has {first['top1']:.3f} after {first['minutes']:.2f}, {part}."


PARTS = {
    "start": bench_start,
    "loading": bench_loading,
    "embedding": bench_embedding,
    "identify": bench_identify,
}
PARTS |= {"training": bench_training, "crowded": bench_crowded}
ALL_PARTS = PARTS | {"search": bench_search}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--dataset", default="greenhouse", help="anything that layouts.read_images reads"
    )
    parser.add_argument(
        "--backbone", default="mobilenet_v2", help="a name that timm or torchvision knows"
    )
    parser.add_argument(
        "--weights", default="auto", help="auto, none (random), or a .safetensors file"
    )
    parser.add_argument("--image-size", type=int, default=160)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="of every loader in the loading part"
    )
    parser.add_argument(
        "--penalty", type=float, default=3.0, help="of the head in plantlab's step one"
    )
    parser.add_argument(
        "--epochs", type=lambda text: [int(n) for n in text.split(",")], default=[1, 4]
    )
    parser.add_argument(
        "--parts",
        default=",".join(PARTS),
        help="which of them, or search; always run in this order",
    )
    parser.add_argument(
        "--sizes",
        type=lambda text: [int(n) for n in text.split(",")],
        default=[10**n for n in (3, 4, 5, 6)],
    )
    parser.add_argument(
        "--limit", type=int, help="about so many train and test photos, to try it out"
    )
    parser.add_argument(
        "--n-test", type=int, help="score on so many test photos, drawn once (default: all)"
    )
    parser.add_argument("--out", type=Path, help="a JSON file, written whole after each row")
    args = parser.parse_args()
    if unknown := set(args.parts.split(",")) - set(ALL_PARTS):
        parser.error(f"there is no part {min(unknown)!r}; the parts are {', '.join(ALL_PARTS)}")
    args.out = args.out and args.out.absolute()  # as parts change the working folder
    os.environ["PLANTLAB_WEIGHTS"] = os.pathsep.join(
        str(folder.absolute()) for folder in weights.store_folders()
    )
    args.weights = (
        args.weights
        if args.weights in ("auto", "none")
        else str(Path(args.weights).expanduser().absolute())
    )
    try:
        images = read(args)
        backbones.create_network(args.backbone, weights=args.weights)
    except ValueError as error:
        sys.exit(f"bench: {error}")
    name, kind, counts = (
        images.attrs.get("name", "images"),
        table.data_kind(images),
        images["split"].value_counts(),
    )
    data = {
        "name": name,
        "kind": kind,
        "hash": table.data_hash(images),
        "n_species": images["species"].nunique(),
    }
    data |= {"n_train": int(counts["train"]), "n_test": int(counts["test"])}
    whole, images = images, images.drop(columns="sha1")  # hashing is part of plantlab's time
    settings = vars(args) | {
        "weights": Path(args.weights).name,
        "dataset": name,
        "two_step": TWO_STEP,
    }
    settings.pop("out")
    device = f"cpu, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    versions = {
        package: importlib.metadata.version(package)
        for package in [*record.PACKAGES, "torchvision"]
    }
    versions |= {"python": sys.version.split()[0]}
    found = {
        "data": data,
        "settings": settings,
        "versions": versions,
        "device": device,
        "load_before": {},
    }
    print(
        f"{name} ({kind}), {data['n_train']} train and {data['n_test']} test photos; {args.backbone}; {device}"
    )
    for part in (part for part in ALL_PARTS if part in args.parts.split(",")):
        found["load_before"][part], found[part] = round(os.getloadavg()[0], 2), []
        print(
            f"\n{part}: {datetime.now(UTC):%H:%M} UTC, load {found['load_before'][part]}",
            flush=True,
        )
        for row in ALL_PARTS[part](images, args):
            found[part].append(row)
            found["date"] = datetime.now(UTC).isoformat(timespec="seconds")
            print("  done:", *(v for v in row.values() if isinstance(v, str)), flush=True)
            if args.out:
                files.write_whole(args.out, json.dumps(found, indent=1) + "\n")
        print(
            f"{pd.DataFrame(found[part]).round(3).to_string(index=False, na_rep='')}\n{kind}: {name}",
            flush=True,
        )
    if "training" in found:
        print(verdict(found["training"]))
    if "search" in found:
        params = cells.Params(settings | {"threads": torch.get_num_threads()})
        print(record.save("07_similarity_search", params, whole, found["search"]))


if __name__ == "__main__":
    main()
