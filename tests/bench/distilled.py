"""A small network taught by larger ones, on record: size, milliseconds a photo and top-1, beside the same without.

Teachers learn in two steps from train and valid. Then each student does, from the labels alone and taught by all
teachers together, with each seed; settings are the defaults of `training.Distil` and were not chosen. Test is scored
once. `gain` is a taught student's top-1 less that of the same student and seed from labels alone, on the same photos.

    PLANTLAB_RUN=oxford102 python tests/bench/distilled.py photos/oxford102

The record is results/distilled/<run>/record.json; it grows with each network.
"""

import argparse
from timeit import repeat

import numpy as np
import pandas as pd

from plantlab import training
from plantlab.data import prepare
from plantlab.networks.backbones import Classifier
from plantlab.networks.compiled import export_onnx
from plantlab.networks.sessions import open_session
from plantlab.notebook import cells, record
from plantlab.predictions import Predictions, fuse, metrics


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--teachers", default="mobilenet_v2,tf_efficientnet_lite0")
    parser.add_argument("--students", default="squeezenet1_1")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--teacher-epochs", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=16, help="of a student")
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--student-rate", type=float, default=5e-4)
    parser.add_argument("--seeds", type=int, default=3)
    return parser.parse_args()


def costs(network: Classifier, image_size: int) -> dict[str, float]:
    """Return a network's parameters, the bytes of its ONNX file, and the median time of a photo."""
    network.eval()
    content = export_onnx(network, image_size)
    session = open_session(content)
    photo = {"photos": np.zeros((1, 3, image_size, image_size), np.float32)}
    took = np.median(repeat(lambda: session.run(None, photo), number=1, repeat=40))
    n_parameters = sum(tensor.numel() for tensor in network.parameters())
    return {"parameters": n_parameters, "bytes": len(content), "ms_a_photo": 1000 * float(took)}


def main() -> None:
    args = asked()
    params = cells.Params(vars(args) | {"seed": 0})
    images, _ = prepare(args.dataset)
    whole = images.assign(split=images["split"].replace({"valid": "train"}))
    whole.attrs = images.attrs
    test = whole[whole["split"] == "test"].reset_index(drop=True)
    rows: list[dict] = []
    weights = []

    def taught(
        backbone: str, epochs: int, rate: float, seed: int, teachers: tuple[Classifier, ...] = ()
    ) -> tuple[Classifier, Predictions, float]:
        cbs = training.usual() + ([training.Distil(teachers)] if teachers else [])
        options = {"epochs": epochs, "lr": rate, "seed": seed, "cbs": cbs}
        network, _, cost = training.train(
            whole, "two-step", backbone, image_size=args.image_size, **options
        )
        weights.append(network.weights)
        return network, training.predict(network, None, test), cost["seconds"] / 60

    def keep(method: str, said: Predictions, **told) -> None:
        row = metrics.score(said, measures=["top1", "top5", "macro_top1"]).iloc[0].to_dict()
        rows.append({"method": method, "split": "test"} | row | told)
        print({name: rows[-1].get(name) for name in ("method", "seed", "top1", "gain", "gain_low")})
        print(record.save("distilled", params, whole, pd.DataFrame(rows), weights=weights))

    teachers = []
    answers = []
    for backbone in args.teachers.split(","):
        network, said, minutes = taught(backbone, args.teacher_epochs, args.rate, 0)
        teachers.append(network)
        answers.append(said)
        keep(backbone, said, seed=0, minutes=minutes, **costs(network, args.image_size))
    together = {}
    for name in ("parameters", "bytes", "ms_a_photo"):
        together[name] = sum(row[name] for row in rows)
    keep("teachers together", fuse(answers), seed=0, **together)
    for backbone in args.students.split(","):
        for seed in range(args.seeds):
            alone, said, minutes = taught(backbone, args.epochs, args.student_rate, seed)
            cost = costs(alone, args.image_size)
            keep(f"{backbone}, labels alone", said, seed=seed, minutes=minutes, **cost)
            network, better, minutes = taught(
                backbone, args.epochs, args.student_rate, seed, tuple(teachers)
            )
            gain = dict(
                zip(["gain", "gain_low", "gain_high"], metrics.difference(better, said, "top1"))
            )
            cost = costs(network, args.image_size)
            keep(f"{backbone}, taught", better, seed=seed, minutes=minutes, **cost, **gain)


if __name__ == "__main__":
    main()
