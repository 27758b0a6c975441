"""The command line: one command for each thing that plantlab does; `plantlab --help` lists them.

Each command is two functions, one below the other: what it is asked, and what it does. They import
what they need when they are called, so that `plantlab --help` is there at once.
"""

import argparse
import sys
from collections.abc import Iterable

from plantlab.cli import answering, datasets, exporting


def main(argv: list[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 a notebook failed, 2 what was asked for is wrong.

    Of what is wrong one sentence says how to mend it.
    """
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
    description = "What do your plant photographs hold?"
    parser = argparse.ArgumentParser(prog="plantlab", description=description)
    names = (
        "look | find-photos | shards | run | compare | score | export | doctor | identify | "
        "serve | page | workshop"
    )
    commands = parser.add_subparsers(required=True, metavar=names)
    datasets.add_look(commands)
    datasets.add_find_photos(commands)
    datasets.add_shards(commands)
    _add_run(commands)
    _add_compare(commands)
    datasets.add_score(commands)
    exporting.add_export(commands)
    exporting.add_doctor(commands)
    answering.add_identify(commands)
    answering.add_serve(commands)
    _add_page(commands)
    _add_workshop(commands)
    return parser


# run


def _add_run(commands: argparse._SubParsersAction) -> None:
    run = commands.add_parser("run", help="execute notebooks; pages and records go to results/")
    run.set_defaults(command=_run)
    run.add_argument(
        "notebook", nargs="?", help="a path, or a name such as 02_transfer_learning; 02 will do"
    )
    run.add_argument(
        "--course", action="store_true", help="the lessons in order, at their defaults"
    )
    run.add_argument("--all", action="store_true", help="the lessons and the appendices")
    run.add_argument("--solutions", action="store_true", help="the solutions of the exercises")
    run.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a parameter",
    )
    datasets.add_names(run)
    run.add_argument("--run", help="name of the run; else made from the parameters that were set")
    run.add_argument(
        "--sweep",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "V1,V2"),
        help="at each value",
    )
    run.add_argument("--dask", default="", metavar="ADDRESS", help=answering.DASK_HELP)
    run.add_argument("--jobs", type=int, default=2, help="points of a sweep at once (default 2)")
    run.add_argument(
        "--store", action="store_true", help="write the outputs at defaults back into the notebook"
    )


def _run(args: argparse.Namespace) -> int:
    from plantlab.notebook import report

    reasons = []
    for run, reason in _asked_runs(args):
        reasons.append(reason)
        if reason:
            print(f"plantlab: {run} failed. {reason}", file=sys.stderr)
        if args.course or args.all:
            _grow_page(first=len(reasons) == 1)
    page = report.write_index()
    n_done = reasons.count("")
    print(f"{n_done} of {len(reasons)} runs finished. Open {page} in a browser.")
    return int(n_done < len(reasons))


def _asked_runs(args: argparse.Namespace) -> Iterable[tuple[str, str]]:
    """Return what was asked for, run by run as each is done: its name, and "" or why it failed."""
    from plantlab.notebook import runs, sweeps

    wrong = _why_no_run(args)
    if wrong:
        raise ValueError(wrong)
    params = dict(args.p)
    if args.names or args.checklist:
        from plantlab.data.preparation import renamed

        table = renamed(params["dataset"], datasets.names_of(args), args.checklist)
        params["dataset"] = str(table)
    if args.course or args.all or args.solutions:
        return runs.run_all(args.course, args.store, params, args.solutions)
    if args.sweep:
        grid = {name: _split_values(text) for name, text in args.sweep}
        return sweeps.sweep(args.notebook, grid, params, args.jobs, args.dask).items()
    return [runs.try_notebook(args.notebook, params, args.run, store=args.store)]


def _why_no_run(args: argparse.Namespace) -> str:
    """Return what is wrong with the options of `plantlab run`, or ""."""
    several = args.course or args.all or args.solutions
    if [bool(args.notebook), args.course, args.all, args.solutions].count(True) != 1:
        return "name one notebook, such as 01_data_exploration, or say --course or --all."
    others = [name for name, _ in args.p if name != "dataset"]
    if several and (others or args.run or args.sweep):
        return "--course and --all take -p dataset alone; leave other -p, --run and --sweep out."
    if (args.names or args.checklist) and "dataset" not in dict(args.p):
        return "--names and --checklist are about photographs of yours: add -p dataset FOLDER."
    if args.store and (args.p or args.run or args.sweep):
        return "--store runs at the defaults; leave -p, --run and --sweep out."
    if args.dask and not args.sweep:
        return "--dask runs the points of a --sweep; name a parameter and its values."
    if args.sweep and (args.run or args.jobs < 1):
        return "a sweep names its runs itself (leave --run out) and needs --jobs 1 or more."
    return ""


def _split_values(text: str) -> list[str]:
    """Return the values of a sweep: parted by semicolons where each is a list, else by commas."""
    mark = ";" if ";" in text else ","
    return text.split(mark)


def _grow_page(first: bool) -> None:
    """Write the page between two notebooks; the first time say where it is.

    Whatever keeps it from being written is said, and does not stop the notebooks to come.
    """
    from plantlab.notebook import report

    try:
        page = report.write_index()
    except ValueError as error:
        print(f"plantlab: {error}", file=sys.stderr)
        return
    if first:
        message = f"The page is {page}: open it in a browser; it grows with each notebook."
        print(message, flush=True)


# compare


def _add_compare(commands: argparse._SubParsersAction) -> None:
    compare = commands.add_parser("compare", help="tabulate run records")
    compare.set_defaults(command=_compare)
    compare.add_argument(
        "records", nargs="*", help="folders or record.json files; else all of results/"
    )
    compare.add_argument(
        "--watts", type=float, help="what the machine draws at work: adds the energy, in watt hours"
    )
    compare.add_argument(
        "--price", type=float, help="of a kilowatt hour: adds what that energy costs"
    )


def _compare(args: argparse.Namespace) -> int:
    from plantlab.notebook import records

    if args.price is not None and args.watts is None:
        needed = "what the machine draws at work, such as --watts 60."
        raise ValueError(f"--price needs --watts: {needed}")
    table = records.compare(records.read_records(args.records or None))
    if args.watts is not None:
        table = records.with_energy(table, args.watts, args.price)
    if table.empty:
        print("These records hold no scores.")
    else:
        print(table.to_string(index=False, na_rep=""))
    return 0


# page


def _add_page(commands: argparse._SubParsersAction) -> None:
    page = commands.add_parser("page", help="open the identify desk as a web page")
    page.set_defaults(command=_page)
    page.add_argument(
        "--model", help=f"{answering.MODEL_HELP} (default five-flowers; for --game notebook 08's)"
    )
    page.add_argument(
        "--teach", action="store_true", help="people upload class folders and train on them"
    )
    page.add_argument(
        "--herbarium", metavar="NAME", help="a class brings plants, votes, and learns from them"
    )
    page.add_argument(
        "--game",
        nargs="?",
        const="greenhouse",
        metavar="DATASET",
        help="you against the machine, on test plants of a data set (default greenhouse)",
    )
    page.add_argument("--port", type=int, default=8866)
    page.add_argument(
        "--host", default="127.0.0.1", help="0.0.0.0 lets a phone on the same network in"
    )
    page.add_argument("--no-browser", action="store_true", help="only say where the page is")


def _page(args: argparse.Namespace) -> int:
    from plantlab.desk import page

    if args.game:
        model = args.model or "notebook-08"
        return page.open_game(args.game, model, args.port, args.host, not args.no_browser)
    if args.herbarium:
        return page.open_herbarium(args.herbarium, args.port, args.host, not args.no_browser)
    if args.teach:
        return page.open_teaching(args.port, args.host, not args.no_browser)
    return page.open_page(args.model or "five-flowers", args.port, args.host, not args.no_browser)


# workshop


def _add_workshop(commands: argparse._SubParsersAction) -> None:
    workshop = commands.add_parser("workshop", help="write the students' copies of the notebooks")
    workshop.set_defaults(command=_workshop)
    workshop.add_argument(
        "folder", nargs="?", default="", help="where to; else workshop/ in the project"
    )
    workshop.add_argument(
        "--force", action="store_true", help="also over copies that a student has changed"
    )


def _workshop(args: argparse.Namespace) -> int:
    from plantlab.notebook import workshop

    folder, kept = workshop.write_workshop(args.folder, args.force)
    print(f"The workshop is in {folder}; its timetable is WORKSHOP.md.")
    if kept:
        names = ", ".join(kept)
        advice = "Delete one to get it anew; --force renews all."
        print(f"Kept, for they were changed: {names}. {advice}")
    return 0
