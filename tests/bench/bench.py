"""fastai beside plantlab: same photos, same weights, same cores, one run.

Parts: start (import times, greenhouse photos a minute), loading (JPEG files to batches), embedding (photos a second
and share of the cores' matrix-product peak), training (top-1 against minutes to a trained model; scoring left out).

fastai gets the very weights that plantlab gets: `create_network` loads them, its body is cut before the pooling and
topped with fastai's own head for `vision_learner` (`add_head`, split in body and head, frozen). It runs as its users
run it: contiguous memory, `Resize`, `aug_transforms`, `fine_tune` at its default rates, its own number of workers.
It goes first, before plantlab changes how this process keeps memory. All train on train + valid and are scored once
on test: no choice is made here. Graphics cards are left out.

    make bench ARGS="--dataset photos/oxford102 --backbone mobilenet_v2 --image-size 160 --epochs 1,4"
"""

import argparse
import contextlib
import copy
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from fastai.callback.progress import Learner  # noqa: E402
from fastai.vision import all as fv  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

from plantlab import backbones, curation, layouts, metrics, photos, record, table, training  # noqa: E402
from plantlab.greenhouse import build  # noqa: E402
from plantlab.images import batches, loaders  # noqa: E402
from plantlab.predictions import Predictions  # noqa: E402

PARTS = ("start", "loading", "embedding", "training")
TWO_STEP = {"lr": 1e-3, "augment": "crop"}  # notebook 02's rate


def rates(timed: dict[str, Callable[[], float]], rounds: int = 3, warm: bool = True) -> dict[str, float]:
    """Return units a second of each function (each call says how many it did): medians, taken in turns.

    In turns, so that whatever else the machine does slows all of them alike.
    """
    found = {name: [] for name in timed}
    for i in range(rounds + warm):
        for name, call in timed.items():
            started = time.perf_counter()
            units = call()
            if i >= warm:
                found[name].append(units / (time.perf_counter() - started))
    return {name: float(np.median(each)) for name, each in found.items()}


@contextlib.contextmanager
def fresh_project() -> Iterator[Path]:
    """Work in an empty folder, so that every cache of plantlab starts empty and the user's own is left alone."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        yield Path(folder)


def read(args) -> pd.DataFrame:
    """Return the rows used, split train and test; `--limit` keeps the commonest species and as many photos of each."""
    images, bad = photos.set_aside(layouts.read_images(args.dataset))
    images = table.complete_splits(curation.assign_observations(images))
    images["split"] = images["split"].replace({"valid": "train"})
    if args.limit:
        most = images.loc[images["split"] == "train", "species"].value_counts()
        kept = most.index[: max(2, int((most.cumsum() <= args.limit).sum()))]
        images = table.k_shot(images[images["species"].isin(kept)], max(2, args.limit // len(kept)))
    test = images[images["split"] == "test"]
    n_test = min(len(test), args.limit or args.n_test or len(test))
    images = images.drop(test.index.difference(test.sample(n_test, random_state=0).index)).reset_index(drop=True)
    for path in images["image_path"]:  # into the operating system's cache, for all alike
        Path(path).read_bytes()
    return images


def fastai_loaders(images: pd.DataFrame, item_tfms: list, batch_tfms: list = (), **options) -> fv.DataLoaders:
    """Return fastai's own loaders over the train rows."""
    rows = pd.DataFrame({"name": table.relative_names(images), "species": images["species"], "held_out": False})
    root = images["image_path"].iloc[0][: -len(rows["name"].iloc[0])]
    return fv.ImageDataLoaders.from_df(
        rows[images["split"] == "train"], path=root, fn_col="name", label_col="species", valid_col="held_out",
        item_tfms=item_tfms, batch_tfms=list(batch_tfms), **options,
    )  # fmt: skip


def fastai_learner(images: pd.DataFrame, args) -> fv.Learner:
    """Return what `vision_learner` makes, on the body and weights of `create_network`."""
    network = backbones.create_network(args.backbone, weights=args.weights).to(memory_format=torch.contiguous_format)
    mean, std = ((each.flatten() / 255).tolist() for each in (network.mean, network.std))
    normalise = fv.Normalize.from_stats(mean, std, cuda=False)
    dls = fastai_loaders(images, [fv.Resize(args.image_size)], [*fv.aug_transforms(), normalise], bs=args.batch_size)
    timm_s = not isinstance(network.body, torch.nn.Sequential)  # torchvision's is features, pooling, flatten
    body = fv.TimmBody(network.body) if timm_s else network.body[0]
    n_maps = network.body.num_features if timm_s else network.n_features
    model = fv.add_head(body, n_maps, len(dls.vocab), pool=getattr(body, "needs_pool", True))
    learn = Learner(dls, model, fv.CrossEntropyLossFlat(), splitter=fv.default_split, metrics=fv.accuracy)
    learn.freeze()
    return learn


def bench_training(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield a row for each way to a trained model, each in a project of its own with nothing cached."""
    test = images[images["split"] == "test"].reset_index(drop=True)
    size = args.image_size

    def row(method: str, epochs: str, seconds: float, predictions: Predictions) -> dict:
        score = metrics.score(predictions, measures=["top1"]).iloc[0]
        found = {"method": method, "epochs": epochs, "minutes": seconds / 60, "n": int(score["n"])}
        return found | {name: float(score[name]) for name in ("top1", "top1_low", "top1_high")}

    for epochs in args.epochs:
        with fresh_project():
            fv.set_seed(0)
            started = time.perf_counter()
            learn = fastai_learner(images, args)
            with learn.no_bar(), learn.no_logging():
                learn.fine_tune(epochs)
            seconds = time.perf_counter() - started
            names = test.assign(name=table.relative_names(images)[(images["split"] == "test").to_numpy()].to_numpy())
            with learn.no_bar(), learn.no_logging():
                probs, _ = learn.get_preds(dl=learn.dls.test_dl(names))
            predictions = Predictions(test, list(learn.dls.vocab), probs.numpy())
        yield row("fastai fine_tune", f"1 + {epochs}", seconds, predictions)
    with fresh_project():
        started = time.perf_counter()
        network = backbones.create_network(args.backbone, weights=args.weights)
        species = training.fit_head(network, images, size, args.penalty)
        seconds = time.perf_counter() - started
        yield row("plantlab fit_head", "0", seconds, training.predict(network, species, test, size))
    for epochs in args.epochs:
        with fresh_project():
            options = TWO_STEP | {"epochs": epochs, "batch_size": args.batch_size, "penalty": args.penalty}
            network, species, cost = training.train(images, "two-step", args.backbone, args.weights, size, **options)
            predictions = training.predict(network, species, test, size)
        yield row("plantlab two-step", f"0 + {epochs}", cost["seconds"], predictions)


def bench_embedding(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield photos and GFLOP a second of each way to embed, beside the matrix-product peak of the same cores."""
    size, n = args.image_size, args.batch_size
    network = backbones.create_network(args.backbone, weights=args.weights)
    plain = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    paths = images["image_path"].tolist()[: 4 * n]
    decoded = list(batches(paths, size, batch_size=n))
    started = time.perf_counter()
    run = backbones.compile_network(network, size)
    print(f"  exported and compiled in {time.perf_counter() - started:.1f} s")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.features(torch.zeros(1, 3, size, size))
    gflop = counter.get_total_flops() / 1e9  # of one photo; a multiply-add counts two, as in the matrix product
    a, b = torch.randn(2, 2048, 2048)

    def in_torch(model, layout):
        def call() -> int:
            with torch.inference_mode():
                return sum(len(model.features(torch.from_numpy(x).to(memory_format=layout))) for x in decoded)

        return call

    def with_decoding() -> int:
        return sum(len(run(x)) for x in batches(paths, size, batch_size=n))

    found = rates({
        "matrix product 2048 x 2048": lambda: 1 + 0 * len(a @ b),
        "eager torch, network only": in_torch(plain, torch.contiguous_format),
        "eager torch channels_last, network only": in_torch(network, torch.channels_last),
        "plantlab, network only": lambda: sum(len(run(x)) for x in decoded),
        "plantlab, decoding included": with_decoding,
    }, rounds=5)  # fmt: skip
    started = time.perf_counter()
    backbones.embed(images, network, size, cache=None, batch_size=n)
    found["plantlab embed, cold: export, hashes, decoding"] = len(images) / (time.perf_counter() - started)
    peak = found.pop("matrix product 2048 x 2048") * 2 * 2048**3 / 1e9
    yield {"method": "matrix product 2048 x 2048, float32", "gflop_per_s": peak, "share_of_peak": 1.0}
    for method, rate in found.items():
        work = {"gflop_per_s": rate * gflop, "share_of_peak": rate * gflop / peak}
        yield {"method": method, "images_per_s": rate, "gflop_per_photo": gflop, **work}


def bench_loading(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield photos a second from files to batches of the train rows: plantlab, torchvision, fastai."""
    train, size, same = images[images["split"] == "train"], args.image_size, {"num_workers": args.workers}
    with tempfile.TemporaryDirectory() as folder:
        for i, (path, species) in enumerate(zip(train["image_path"], pd.factorize(train["species"])[0])):
            link = Path(folder, f"{species:05d}", f"{i:06d}{Path(path).suffix}")
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(path)
        crop = [v2.RandomResizedCrop(size, scale=(0.3, 1.0), antialias=True), v2.RandomHorizontalFlip()]
        recipes = {
            "resize, centre crop": ("none", [v2.Resize(size), v2.CenterCrop(size)], [fv.Resize(size)]),
            "random crop, flip": ("crop", crop, [fv.RandomResizedCrop(size, min_scale=0.3), fv.FlipItem()]),
        }
        for recipe, (augment, transforms, item_tfms) in recipes.items():
            theirs = torchvision.datasets.ImageFolder(folder, v2.Compose([*transforms, v2.PILToTensor()]))
            options = {"batch_size": args.batch_size, "shuffle": True, **same}
            all_of = {
                "plantlab.loaders": loaders(train, size, args.batch_size, augment, n_workers=args.workers).train,
                "torchvision ImageFolder + DataLoader": torch.utils.data.DataLoader(theirs, **options),
                "fastai ImageDataLoaders": fastai_loaders(images, item_tfms, bs=args.batch_size, **same).train,
            }
            calls = {m: lambda dl=dl: sum(len(batch[1]) for batch in dl) for m, dl in all_of.items()}
            if augment == "none":
                paths = train["image_path"].tolist()
                calls["plantlab.batches (threads, embedding)"] = lambda p=paths: sum(map(len, batches(p, size)))
            for method, rate in rates(calls, warm=False).items():
                yield {"recipe": recipe, "method": method, "images_per_s": rate, "workers": args.workers}


def bench_start(images: pd.DataFrame, args) -> Iterator[dict]:
    """Yield import times in fresh interpreters, and how fast the built-in flora is photographed."""

    def seconds(module: str) -> float:
        code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return float(done.stdout)

    modules = ["plantlab", "plantlab.table", "torch", "fastai.vision.all"]
    times = [[seconds(module) for module in modules] for _ in range(4)][1:]
    for module, each in zip(modules, np.median(times, axis=0)):
        yield {"what": f"import {module}", "value": float(each), "unit": "s"}
    n = args.limit or 600
    with fresh_project() as folder:
        started = time.perf_counter()
        build(folder / "flora", n_images=n)
        yield {"what": "greenhouse", "value": 60 * n / (time.perf_counter() - started), "unit": "photos a minute"}


def verdict(rows: list[dict]) -> str:
    """Return one sentence: how soon plantlab first reaches fastai's best."""
    theirs, ours = ([r for r in rows if r["method"].startswith(who)] for who in ("fastai", "plantlab"))
    best = max(theirs, key=lambda r: r["top1"])
    said = f"fastai's best here is {best['top1']:.3f} after {best['minutes']:.1f} minutes; "
    reached = [r for r in ours if r["top1"] >= best["top1"]]
    if not reached:
        return said + "plantlab does not reach it."
    first = min(reached, key=lambda r: r["minutes"])
    part = best["minutes"] / first["minutes"]
    return said + f"{first['method']} has {first['top1']:.3f} after {first['minutes']:.2f}: 1/{part:.0f} of the time."


def main() -> None:
    listed = {"type": lambda text: text.split(",")}
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", default="greenhouse", help="anything that layouts.read_images reads")
    parser.add_argument("--backbone", default="mobilenet_v2", help="a name that timm or torchvision knows")
    parser.add_argument("--weights", default="auto", help="auto, none (random), or a .safetensors file")
    parser.add_argument("--image-size", type=int, default=160)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="of every loader in the loading part")
    parser.add_argument("--penalty", type=float, default=3.0, help="of the head in plantlab's step one")
    parser.add_argument("--epochs", type=lambda text: [int(n) for n in text.split(",")], default=[1, 4])
    parser.add_argument("--parts", **listed, default=list(PARTS), help=f"of {','.join(PARTS)}; always in this order")
    parser.add_argument("--limit", type=int, help="about so many train and test photos, to try it out")
    parser.add_argument("--n-test", type=int, help="score on so many test photos, drawn once (default: all)")
    parser.add_argument("--out", type=Path, help="a JSON file, written whole after each row")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"there is no part {min(unknown)!r}; the parts are {', '.join(PARTS)}")
    args.out = args.out and args.out.absolute()
    os.environ["PLANTLAB_WEIGHTS"] = os.pathsep.join(str(folder.absolute()) for folder in backbones.store_folders())
    args.weights = args.weights if args.weights in ("auto", "none") else str(Path(args.weights).expanduser().absolute())
    try:
        images = read(args)
        if {"embedding", "training"} & set(args.parts):
            backbones.create_network(args.backbone, weights=args.weights)
    except ValueError as error:
        sys.exit(f"bench: {error}")
    kind, name = table.data_kind(images), images.attrs.get("name", "images")
    counts = images["split"].value_counts()
    data = {"name": name, "kind": kind, "hash": table.data_hash(images), "n_species": images["species"].nunique()}
    data |= {"n_train": int(counts["train"]), "n_test": int(counts["test"])}
    images = images.drop(columns="sha1")  # what embedding hashes is part of its time
    settings = {k: v for k, v in vars(args).items() if k not in ("out", "dataset")}
    settings |= {"weights": Path(args.weights).name, "two_step": TWO_STEP}
    versions = {"python": platform.python_version()}
    versions |= {p: importlib.metadata.version(p) for p in [*record.PACKAGES, "torchvision"]}
    device = f"cpu, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    found = {"data": data, "settings": settings, "versions": versions, "device": device, "load": {}}
    print(f"{name} ({kind}), {data['n_train']} train and {data['n_test']} test photos; {args.backbone}; {device}")
    for part in (p for p in PARTS if p in args.parts):
        found["load"][part] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        print(f"\n{part} ({datetime.now(UTC):%H:%M} UTC, load before it: {found['load'][part]}) ...", flush=True)
        found[part] = []
        for row in globals()[f"bench_{part}"](images, args):
            found[part].append(row)
            print("  " + ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{v}" for k, v in row.items()))
            sys.stdout.flush()
            if args.out:
                found["date"] = datetime.now(UTC).isoformat(timespec="seconds")
                photos.write_whole(args.out, json.dumps(found, indent=1) + "\n")
        print(f"\n{pd.DataFrame(found[part]).round(3).to_string(index=False, na_rep='')}\n[{kind}: {name}]", flush=True)
    if "training" in args.parts:
        print(verdict(found["training"]))


if __name__ == "__main__":
    main()
