"""The commands that ask a model: identify and serve."""

import argparse

DASK_HELP = "of a Dask scheduler, whose workers do it: tcp://node7:8786, or its scheduler file"
MODEL_HELP = "a folder of `plantlab export`, or its name"


# identify


def add_identify(commands: argparse._SubParsersAction) -> None:
    """Add `plantlab identify`."""
    identify = commands.add_parser(
        "identify", help="name the plants on photographs, into a CSV table"
    )
    identify.set_defaults(command=_identify)
    identify.add_argument("photos", nargs="+", help="files, or folders that are searched")
    identify.add_argument(
        "--out", default="answers.csv", help="the table; what stands in it already is kept"
    )
    identify.add_argument("--model", default="five-flowers", help=MODEL_HELP)
    identify.add_argument(
        "--label-next", type=int, metavar="N", help="name the N photos whose labels teach it most"
    )
    identify.add_argument(
        "--place", metavar="LAT,LON", help="they were taken there; else as each photo says"
    )
    identify.add_argument("--date", help="with --place: the day, such as 2025-05-17")
    identify.add_argument(
        "--no-place", action="store_true", help="take no place into account: a garden, say"
    )
    identify.add_argument(
        "--tiles", action="store_true", help="photos of many plants: list the species on each"
    )
    identify.add_argument(
        "--tile-size", type=float, default=600, help="with --tiles: the smallest, in pixels (600)"
    )
    identify.add_argument(
        "--min-score", type=float, default=0.3, help="with --tiles: that shows a species (0.3)"
    )
    identify.add_argument("--dask", default="", metavar="ADDRESS", help=DASK_HELP)


def _identify(args: argparse.Namespace) -> int:
    from plantlab.identify import store
    from plantlab.identify.files import identify_files, survey_files, to_label
    from plantlab.identify.tiles import Tiling
    from plantlab.identify.where import read_where

    model = store.load(args.model)
    if args.label_next:
        print("\n".join(to_label(args.photos, model, args.label_next)))
        return 0
    if args.tiles:
        tiling = Tiling(args.tile_size, args.tile_size / 2)
        done = survey_files(args.photos, args.out, model, tiling, args.min_score, dask=args.dask)
    else:
        where = "" if args.no_place else "photo"
        if args.place:
            where = read_where(args.place, args.date)
        done = identify_files(args.photos, args.out, model, where, args.dask)
        if args.place and not model.knows_places:
            print("This model does not know where its plants grow: the place changed nothing.")
    print(f"{done}. The table is {args.out}.")
    return 0


# serve


def add_serve(commands: argparse._SubParsersAction) -> None:
    """Add `plantlab serve`."""
    serve = commands.add_parser("serve", help="answer programs, as Pl@ntNet's API does")
    serve.set_defaults(command=_serve)
    serve.add_argument("model", nargs="?", default="five-flowers", help=MODEL_HELP)
    serve.add_argument(
        "--flora",
        action="append",
        default=[],
        metavar="FILE",
        help="a list of species, by its name",
    )
    serve.add_argument(
        "--key", action="append", default=[], help="who asks must bring it; may be given again"
    )
    serve.add_argument("--daily", type=int, help="identifications of a key a day")
    serve.add_argument(
        "--keep", metavar="FOLDER", help="keep what is asked, such as data/votes/service"
    )
    serve.add_argument(
        "--private-urls", action="store_true", help="fetch images from this network, too"
    )
    serve.add_argument("--port", type=int, default=8877)
    serve.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines ask")


def _serve(args: argparse.Namespace) -> int:
    try:
        from plantlab.service.server import DAILY, serve
    except ModuleNotFoundError as error:
        needed = "pip install fastapi uvicorn python-multipart httpx"
        raise ValueError(
            f"plantlab serve needs {error.name}, which is not here: {needed}"
        ) from None
    daily = DAILY if args.daily is None else args.daily
    if daily < 1:
        raise ValueError(f"--daily must be 1 or more; got {daily}")
    return serve(
        args.model, args.host, args.port, args.flora, args.key, daily, args.keep, args.private_urls
    )
