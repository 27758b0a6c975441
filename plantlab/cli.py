"""The command line: plantlab run | compare | export | identify | page | workshop."""

import argparse
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 a notebook failed, 2 what was asked for is wrong (one sentence says how)."""
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
    except (ValueError, OSError) as error:
        print(f"plantlab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nplantlab: stopped; finished runs are kept.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="plantlab", description="What do your plant photographs hold?")
    commands = parser.add_subparsers(required=True, metavar="run | compare | export | identify | page | workshop")
    run = commands.add_parser("run", help="execute notebooks; pages and records go to results/")
    run.set_defaults(command=_run)
    run.add_argument("notebook", nargs="?", help="a path, or a name such as 02_transfer_learning; 02 will do")
    run.add_argument("--all", action="store_true", help="every notebook in order, at its defaults")
    run.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="set a parameter")
    run.add_argument("--run", help="name of the run; else made from the parameters that were set")
    run.add_argument("--sweep", nargs=2, action="append", default=[], metavar=("NAME", "V1,V2"), help="at each value")
    run.add_argument("--jobs", type=int, default=2, help="points of a sweep at once (default 2)")
    run.add_argument("--store", action="store_true", help="write the outputs at defaults back into the notebook")
    compare = commands.add_parser("compare", help="tabulate run records")
    compare.set_defaults(command=_compare)
    compare.add_argument("records", nargs="*", help="folders or record.json files; else all of results/")
    compare.add_argument("--watts", type=float, help="what the machine draws at work: adds the energy, in watt hours")
    compare.add_argument("--price", type=float, help="of a kilowatt hour: adds what that energy costs")
    export = commands.add_parser("export", help="train on photographs and write the model into one folder")
    export.set_defaults(command=_export)
    export.add_argument("dataset", help="a folder or table of photographs, or greenhouse")
    export.add_argument("folder", help="where to, such as data/models/mine")
    export.add_argument("--backbone", default="tf_efficientnet_lite0", help="a name of timm or torchvision")
    export.add_argument("--weights", default="auto", help="auto, none or a .safetensors file")
    export.add_argument("--image-size", type=int, default=128, help="side in pixels (default 128)")
    export.add_argument("--epochs", type=int, default=12, help="over all layers (default 12); 0 fits the head alone")
    export.add_argument("--licence", default="", help="of the photographs, for the model card")
    export.add_argument("--no-photos", action="store_true", help="keep no thumbnails to be shown as look-alikes")
    export.add_argument("--onnx", action="store_true", help="also write model.onnx")
    identify = commands.add_parser("identify", help="name the plants on photographs, into a CSV table")
    identify.set_defaults(command=_identify)
    identify.add_argument("photos", nargs="+", help="files, or folders that are searched")
    identify.add_argument("--out", default="answers.csv", help="the table; what stands in it already is kept")
    identify.add_argument("--model", default="five-flowers", help="a folder of `plantlab export`, or its name")
    page = commands.add_parser("page", help="open the identify desk as a web page")
    page.set_defaults(command=_page)
    page.add_argument("--model", default="five-flowers", help="a folder of `plantlab export`, or its name")
    page.add_argument("--port", type=int, default=8866)
    page.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets a phone on the same network in")
    page.add_argument("--no-browser", action="store_true", help="only say where the page is")
    workshop = commands.add_parser("workshop", help="write the students' copies of the notebooks")
    workshop.set_defaults(command=_workshop)
    workshop.add_argument("folder", nargs="?", default="", help="where to; else workshop/ in the project")
    workshop.add_argument("--force", action="store_true", help="also over copies that a student has changed")
    return parser


def _run(args: argparse.Namespace) -> int:
    from plantlab import report, runs

    params = dict(args.p)
    if bool(args.notebook) == args.all:
        raise ValueError("name one notebook, such as 01_data_exploration, or say --all.")
    if (args.all or args.store) and (params or args.run or args.sweep):
        raise ValueError("--all and --store run at the defaults; leave -p, --run and --sweep out.")
    if args.sweep and (args.run or args.jobs < 1):
        raise ValueError("a sweep names its runs itself (leave --run out) and needs --jobs 1 or more.")
    if args.all:
        failures = runs.run_all(store=args.store)
    elif args.sweep:
        grid = {name: values.split(";" if ";" in values else ",") for name, values in args.sweep}
        failures = runs.sweep(args.notebook, grid, params, args.jobs)
    else:
        failures = dict([runs.try_notebook(args.notebook, params, args.run, store=args.store)])
    page = report.write_index()
    failed = {run: reason for run, reason in failures.items() if reason}
    for run, reason in failed.items():
        print(f"plantlab: {run} failed. {reason}", file=sys.stderr)
    print(f"{len(failures) - len(failed)} of {len(failures)} runs finished. Open {page} in a browser.")
    return int(bool(failed))


def _compare(args: argparse.Namespace) -> int:
    from plantlab import record

    if args.price is not None and args.watts is None:
        raise ValueError("--price needs --watts: what the machine draws at work, such as --watts 60.")
    table = record.compare(record.read_records(args.records or None))
    if args.watts is not None:
        table = record.with_energy(table, args.watts, args.price)
    print("These records hold no scores." if table.empty else table.to_string(index=False, na_rep=""))
    return 0


def _workshop(args: argparse.Namespace) -> int:
    from plantlab import runs

    folder, kept = runs.write_workshop(args.folder, args.force)
    print(f"The workshop is in {folder}; its timetable is WORKSHOP.md.")
    if kept:
        print(f"Kept, for they were changed: {', '.join(kept)}. Delete one to get it anew; --force renews all.")
    return 0


def _export(args: argparse.Namespace) -> int:
    from plantlab import curation, identifier, layouts, photos, table
    from plantlab.export import learn

    images, bad = photos.set_aside(layouts.read_images(args.dataset))
    images = table.complete_splits(curation.assign_observations(images))
    print("\n".join([f"{len(images)} photos of {images['species'].nunique()} species.", *images.attrs["notes"]]))
    folder = Path(args.folder)
    model = learn(
        images, args.backbone, args.image_size, args.epochs, weights=args.weights,
        checkpoint=folder / "training.pt", licence=args.licence, thumbnails=not args.no_photos,
    )  # fmt: skip
    model.save(folder, args.onnx)
    print(f"{identifier.model_card(model)}\nThe model is in {folder}. Try it: plantlab page --model {folder}")
    return 0


def _identify(args: argparse.Namespace) -> int:
    from plantlab import identifier

    done = identifier.identify_files(args.photos, args.out, identifier.load(args.model))
    print(f"{done}. The table is {args.out}.")
    return 0


def _page(args: argparse.Namespace) -> int:
    from plantlab import page

    return page.open_page(args.model, args.port, args.host, not args.no_browser)
