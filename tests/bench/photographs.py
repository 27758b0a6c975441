"""Photographs: what minutes on a laptop buy, on record. One network, two fused, and fastai beside them.

Chosen on valid: each network is trained on train at each rate and asked at each size; the best pair
is kept. Then each learns anew from train and valid, and test is scored once: each network in one view and in
three, and all fused. fastai's `fine_tune` gets the first network's body and weights, train and valid too, and about as many
minutes as that network took.

    PLANTLAB_RUN=oxford102 python tests/bench/photographs.py photos/oxford102

The record is results/photographs/<run>/record.json.
"""

import argparse
import time

import bench
import pandas as pd
from fastai.vision import all as fv

from plantlab import training
from plantlab.data import prepare, table
from plantlab.networks.backbones import Classifier
from plantlab.notebook import cells, record
from plantlab.predictions import Predictions, compare, fuse, metrics

VIEWS = ("plain", "flip", "zoom")
MEASURES = ["top1", "top5", "macro_top1", "mrr"]


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--backbones", default="mobilenet_v2,tf_efficientnet_lite0")
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--image-size", type=int, default=192, help="while it learns")
    parser.add_argument("--asked-at", default="192,224,256", help="sizes that valid chooses from")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--rates", default="0.001,0.002")
    parser.add_argument("--choice-epochs", type=int, default=6, help="while rates are chosen")
    parser.add_argument("--augment", default="colour")
    parser.add_argument("--batch-size", type=int, default=32)
    return parser.parse_args()


def taught(
    images: pd.DataFrame, backbone: str, rate: float, epochs: int, args: argparse.Namespace
) -> tuple[Classifier, float]:
    """Return a network trained in two steps on the train rows, and its minutes."""
    options = {"epochs": epochs, "lr": rate, "augment": args.augment}
    network, _, cost = training.train(
        images, "two-step", backbone, args.weights, args.image_size, **options
    )
    return network, cost["seconds"] / 60


def in_views(network: Classifier, images: pd.DataFrame, size: int) -> dict[str, Predictions]:
    """Return what a network says of photos shown at a size, by view."""
    return {view: training.predict(network, None, images, size, (view,)) for view in VIEWS}


def chosen(
    images: pd.DataFrame, backbone: str, args: argparse.Namespace
) -> tuple[float, int, pd.DataFrame]:
    """Return the rate and size with the best top-1 on valid, and a row for each that was tried."""
    valid = images[images["split"] == "valid"].reset_index(drop=True)
    rows = []
    for rate in map(float, args.rates.split(",")):
        network, minutes = taught(images, backbone, rate, args.choice_epochs, args)
        for size in map(int, args.asked_at.split(",")):
            row = metrics.score(fuse(in_views(network, valid, size).values()), measures=MEASURES)
            told = {"method": backbone, "split": "valid", "lr": rate, "asked_at": size}
            rows.append(row.assign(**told, minutes=minutes))
            print(rows[-1][["method", "lr", "asked_at", "n", "top1"]].to_string(), flush=True)
    tried = pd.concat(rows, ignore_index=True)
    best = tried.loc[tried["top1"].idxmax()]
    return float(best["lr"]), int(best["asked_at"]), tried


def of_fastai(images: pd.DataFrame, minutes: float, args: argparse.Namespace):
    """Return what fastai's fine_tune says of test after about so many minutes, and its own."""
    learn = bench.fastai_learner(images, args)
    test = images[images["split"] == "test"].reset_index(drop=True)
    names = table.relative_names(images)[images["split"] == "test"].to_numpy()
    with learn.no_bar(), learn.no_logging():
        started = time.perf_counter()
        learn.fine_tune(1)  # is kept: what follows goes on from it
        an_epoch = (time.perf_counter() - started) / 60 / 2
        n = max(1, round(minutes / an_epoch) - 1)
        fv.set_seed(0)
        learn = bench.fastai_learner(images, args)
        with learn.no_bar(), learn.no_logging():
            started = time.perf_counter()
            learn.fine_tune(n)
            took = (time.perf_counter() - started) / 60
            probs, _ = learn.get_preds(dl=learn.dls.test_dl(test.assign(name=names)))
    return Predictions(test, list(learn.dls.vocab), probs.numpy()), took, n


def main() -> None:
    args = asked()
    params = cells.Params(vars(args) | {"seed": 0})
    images, _ = prepare(args.dataset)
    names = args.backbones.split(",")
    rows = []
    rates = {}
    sizes = {}
    for backbone in names:
        rates[backbone], sizes[backbone], tried = chosen(images, backbone, args)
        rows.append(tried)
    params |= {"rates": rates, "asked_at": sizes}
    whole = images.assign(split=images["split"].replace({"valid": "train"}))
    whole.attrs = images.attrs
    test = whole[whole["split"] == "test"].reset_index(drop=True)
    answers = {}
    minutes = {}
    weights = []
    for backbone in names:
        network, minutes[backbone] = taught(whole, backbone, rates[backbone], args.epochs, args)
        weights.append(network.weights)
        said = in_views(network, test, sizes[backbone])
        answers[f"{backbone}, one view"] = said["plain"]
        answers[f"{backbone}, three views"] = fuse(said.values())
        print(backbone, minutes[backbone], flush=True)
    answers["all fused"] = fuse(answers[f"{backbone}, three views"] for backbone in names)
    spent = {}
    for name in names:
        spent |= dict.fromkeys([f"{name}, one view", f"{name}, three views"], minutes[name])
    spent["all fused"] = sum(minutes.values())

    def keep() -> None:
        scores = compare.score_each(answers, measures=MEASURES).assign(split="test")
        scores["minutes"] = scores["method"].map(spent)
        columns = ["method", "n", "top1", "top1_low", "top1_high", "minutes"]
        print(scores[columns].round(4).to_string(), flush=True)
        everything = pd.concat([*rows, scores], ignore_index=True)
        print(record.save("photographs", params, whole, everything, weights=weights))

    keep()
    args.backbone = names[0]
    said, spent["fastai fine_tune"], n_epochs = of_fastai(whole, minutes[names[0]], args)
    answers["fastai fine_tune"] = said
    params["fastai_epochs"] = n_epochs
    keep()


if __name__ == "__main__":
    main()
