"""The command that trains, export, and doctor, which says what would stop it.

torchrun may start either in many processes.
"""

import argparse
from pathlib import Path

from plantlab.cli import datasets


def add_export(commands: argparse._SubParsersAction) -> None:
    """Add `plantlab export`."""
    export = commands.add_parser(
        "export", help="train on photographs and write the model into one folder"
    )
    export.set_defaults(command=_export)
    export.add_argument("dataset", help="a folder or table of photographs, or greenhouse")
    export.add_argument("folder", help="where to, such as data/models/mine")
    _add_job(export)
    export.add_argument(
        "--epochs", type=int, default=12, help="over all layers (default 12); 0 fits the head alone"
    )
    export.add_argument(
        "--teacher",
        action="append",
        default=[],
        metavar="MODEL",
        help="a larger model of the same species to learn from, too; may be given several times",
    )
    export.add_argument(
        "--parts",
        type=int,
        default=1,
        help="save and validate so many times an epoch: for epochs that take hours",
    )
    export.add_argument("--licence", default="", help="of the photographs, for the model card")
    export.add_argument(
        "--no-photos", action="store_true", help="keep no thumbnails to be shown as look-alikes"
    )
    export.add_argument("--onnx", action="store_true", help="also write model.onnx")
    export.add_argument(
        "--int8", action="store_true", help="also write model-int8.onnx, unless it loses a point"
    )


def _add_job(command: argparse.ArgumentParser) -> None:
    """Add what decides whether a job can run, so that doctor is asked as export is."""
    datasets.add_names(command)
    command.add_argument(
        "--backbone", default="tf_efficientnet_lite0", help="a name of timm or torchvision"
    )
    command.add_argument("--weights", default="auto", help="auto, none or a .safetensors file")
    command.add_argument("--image-size", type=int, default=128, help="side in pixels (default 128)")
    command.add_argument(
        "--batch-size", type=int, default=32, help="photos a step and process (default 32)"
    )


def _export(args: argparse.Namespace) -> int:
    from plantlab.networks import parallel

    with parallel.one_voice():  # torchrun starts several of us
        return _export_together(args)


def _export_together(args: argparse.Namespace) -> int:
    from plantlab.data.preparation import prepare
    from plantlab.identify import store
    from plantlab.identify.learn import learn
    from plantlab.networks.parallel import first_alone, is_first
    from plantlab.training import Distil

    with first_alone():
        images, _ = prepare(args.dataset, names=datasets.names_of(args), checklist=args.checklist)
    print(f"{len(images)} photos of {images['species'].nunique()} species.")
    for note in images.attrs["notes"]:
        print(note)
    folder = Path(args.folder)
    checkpoint = folder / "training.pt"
    if args.teacher and not args.epochs:
        raise ValueError("a teacher teaches all layers: give --epochs, or leave --teacher out.")
    teachers = [store.load(name).network for name in args.teacher]
    model = learn(
        images,
        args.backbone,
        args.image_size,
        args.epochs,
        weights=args.weights,
        checkpoint=checkpoint,
        cbs=[Distil(teachers)] if teachers else [],
        batch_size=args.batch_size,
        parts=args.parts,
        licence=args.licence,
        thumbnails=not args.no_photos,
    )
    if not is_first():
        return 0
    store.save(model, folder, args.onnx)
    checkpoint.unlink(missing_ok=True)
    print(store.model_card(model))
    print(f"The model is in {folder}. Try it: plantlab page --model {folder}")
    if args.int8:
        from plantlab.identify.int8 import export_int8

        print(export_int8(model, images, folder).round(4).to_string(index=False))
    return 0


# doctor


def add_doctor(commands: argparse._SubParsersAction) -> None:
    """Add `plantlab doctor`."""
    doctor = commands.add_parser("doctor", help="say what would stop or slow an export, first")
    doctor.set_defaults(command=_doctor)
    doctor.add_argument("dataset", nargs="?", default="greenhouse", help="as for export")
    doctor.add_argument("folder", nargs="?", default=".", help="where the model would be written")
    _add_job(doctor)


def _doctor(args: argparse.Namespace) -> int:
    import socket
    from dataclasses import fields

    from plantlab.networks import parallel
    from plantlab.training.doctor import STOPS, Job, examine

    given = vars(args) | {"names": datasets.names_of(args)}
    given = {field.name: given[field.name] for field in fields(Job)}
    with parallel.one_voice():
        each = parallel.gathered((socket.gethostname(), examine(Job(**given))))
        stops = False
        for number, (host, findings) in enumerate(each):
            if len(each) > 1:
                print(f"process {number} on {host}")
            for row in findings.itertuples():
                print(f"{row.verdict:>5}  {row.what}: {row.found}.")
            stops |= (findings["verdict"] == STOPS).any()
        print("The job would not run." if stops else "Nothing would stop the job.")
    return 2 if stops else 0
