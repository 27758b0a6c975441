"""The command line: plantlab run | compare | describe."""

import argparse
import sys


def main(argv: list[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 a notebook failed, 2 the question was wrong (one sentence says how)."""
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
    except (ValueError, FileNotFoundError) as error:
        print(f"plantlab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nplantlab: stopped; what was finished is kept.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="plantlab", description="What do your plant photographs hold?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="execute notebooks; pages and records go to results/")
    run.set_defaults(command=_run)
    run.add_argument("notebook", nargs="?", help="a path or a name such as 02_transfer_learning; 02 will do")
    run.add_argument("--all", action="store_true", help="every notebook in order, at its defaults")
    run.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="set a parameter"
    )
    run.add_argument("--run", help="name of the run; else made of the parameters that were set")
    run.add_argument(
        "--sweep", nargs=2, action="append", default=[], metavar=("NAME", "V1,V2"), help="run at each value"
    )
    run.add_argument("--jobs", type=int, default=2, help="points of a sweep at once (default 2)")
    run.add_argument(
        "--store", action="store_true", help="write the outputs back into the notebook, at its defaults"
    )
    run.add_argument("--list", action="store_true", help="show the notebook's parameters and stop")
    compare = commands.add_parser("compare", help="tabulate run records")
    compare.set_defaults(command=_compare)
    compare.add_argument("records", nargs="*", help="folders or record.json files; else all of results/")
    describe = commands.add_parser("describe", help="say what a folder or table of photographs holds")
    describe.set_defaults(command=_describe)
    describe.add_argument("source", help="folder, table, or greenhouse")
    return parser


def _run(args: argparse.Namespace) -> int:
    from plantlab import report, runs

    params = dict(args.p)
    if bool(args.notebook) == args.all:
        raise ValueError("name one notebook, such as 01_data_exploration, or say --all.")
    if (args.all or args.store) and (params or args.run or args.sweep):
        raise ValueError("--all and --store run at the defaults; leave -p, --run and --sweep out.")
    if args.sweep and (args.run or args.jobs < 1):
        raise ValueError(
            "a sweep names its runs after their values (leave --run out) and needs --jobs 1 or more."
        )
    if args.list:
        for p in runs.notebook_parameters(args.notebook).values():
            print(f"{p.name:<16} {p.type:<12} {p.value!r:<20} {p.help}")
        return 0
    if args.all:
        failures = runs.run_all(store=args.store)
    elif args.sweep:
        grid = {name: values.split(";" if ";" in values else ",") for name, values in args.sweep}
        failures = runs.sweep(args.notebook, grid, params, args.jobs)
    else:
        failures = _run_one(args, params)
    page = report.write_index()
    for run, reason in failures.items():
        if reason:
            print(f"plantlab: {reason}" if len(failures) == 1 else f"{run} failed: {reason}", file=sys.stderr)
    print(f"Open {page} in a browser.")
    return int(any(failures.values()))


def _run_one(args: argparse.Namespace, params: dict[str, str]) -> dict[str, str]:
    from plantlab import runs

    path = runs.find_notebook(args.notebook)
    try:
        copy = runs.run_notebook(path, params, args.run)
    except runs.RunError as error:
        return {path.stem: str(error)}
    if args.store:
        runs.store_outputs(path, copy)
    print(f"{path.stem}: {copy.with_suffix('.html')}")
    return {path.stem: ""}


def _compare(args: argparse.Namespace) -> int:
    from plantlab import record

    print(record.compare(record.read_records(args.records or None)).to_string(index=False, na_rep=""))
    return 0


def _describe(args: argparse.Namespace) -> int:
    from plantlab import layouts, table

    images = layouts.read_images(args.source)
    print("\n".join([*images.attrs.get("notes", []), table.describe(images).to_string()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
