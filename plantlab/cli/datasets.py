"""Commands about tables: what a set holds, one made from names, answers scored; their options."""

import argparse
from pathlib import Path

# look


def add_look(commands: argparse._SubParsersAction) -> None:
    """Add `plantlab look`, which says what a data set holds."""
    look = commands.add_parser("look", help="say what a folder or table of photographs holds")
    look.set_defaults(command=_look)
    look.add_argument("dataset", help="a folder or table of photographs")
    add_names(look)
    held = "a list of species: how much of the data set it holds, by each way to match names"
    look.add_argument("--list", metavar="FILE", dest="species_list", help=held)


def _look(args: argparse.Namespace) -> int:
    from plantlab.data.look import look

    print(look(args.dataset, names_of(args), args.checklist, args.species_list))
    return 0


def add_names(command: argparse.ArgumentParser) -> None:
    """Add the options that say how a data set names its columns and its species."""
    said = "what a column of yours is here, such as foto=image_path; may be repeated"
    command.add_argument("--names", action="append", default=[], metavar="THEIRS=OURS", help=said)
    accepted = "a table of accepted names: name and accepted_name, WCVP's or World Flora Online's"
    command.add_argument("--checklist", metavar="FILE", help=accepted)


def names_of(args: argparse.Namespace) -> str | dict[str, str]:
    """Return the columns' names as read_images takes them.

    Raises:
        ValueError: not as theirs=ours.
    """
    pairs = [pair.split("=") for pair in args.names]
    for pair, text in zip(pairs, args.names):
        if len(pair) != 2 or not all(pair):
            raise ValueError(f"--names takes theirs=ours, such as foto=image_path; got {text!r}")
    return dict(pairs) or "auto"


# shards


def add_shards(commands: argparse._SubParsersAction) -> None:
    """Add `plantlab shards`, which packs photos into a few large files."""
    shards = commands.add_parser(
        "shards", help="pack photos and their table into a few large files, to be read as a dataset"
    )
    shards.set_defaults(command=_shards)
    shards.add_argument("dataset", help="a folder or table of photographs, or greenhouse")
    shards.add_argument("folder", help="where to; what is packed already is kept")
    add_names(shards)
    shards.add_argument(
        "--size", type=int, help="shorter side in pixels; else photos stay as they are"
    )
    shards.add_argument(
        "--per-shard", type=int, default=2000, help="photos in a file, at least (default 2000)"
    )


def _shards(args: argparse.Namespace) -> int:
    from plantlab.data.preparation import prepare
    from plantlab.data.shards import write_shards

    names = names_of(args)
    images, _ = prepare(args.dataset, split=False, names=names, checklist=args.checklist)
    for note in images.attrs["notes"]:
        print(note)
    files = write_shards(images, args.folder, args.size, args.per_shard)
    n_bytes = sum(file.stat().st_size for file in files)
    print(
        f"{len(images)} photos are in {len(files)} files, {n_bytes / 2**20:.0f} MiB: "
        f"{args.folder} is a dataset like any other."
    )
    return 0


# find-photos


def add_find_photos(commands: argparse._SubParsersAction) -> None:
    """Add `plantlab find-photos`, which makes a data set from names."""
    find = commands.add_parser(
        "find-photos", help="fetch openly licensed photographs of species from iNaturalist and GBIF"
    )
    find.set_defaults(command=_find_photos)
    find.add_argument(
        "names", help="a file with a species' name a line, or a table with species and url"
    )
    find.add_argument("folder", help="where to; what is there is kept")
    find.add_argument("--n", type=int, default=30, help="photos of a species (default 30)")
    find.add_argument("--contact", required=True, help="your address, told to the sites")
    find.add_argument("--seconds", type=float, default=1.0, help="between two questions")
    find.add_argument("--sources", default="inaturalist,gbif", help="asked in this order")


def _find_photos(args: argparse.Namespace) -> int:
    from plantlab.data.find import fetch_listed, find_photos_of
    from plantlab.data.matching import read_names
    from plantlab.data.sites import Asker

    asker = Asker(args.contact, args.seconds)
    if Path(args.names).suffix.lower() in (".csv", ".tsv", ".parquet"):
        done = fetch_listed(args.names, args.folder, asker)
        print(f"{done}. The data set is {args.folder}: plantlab look {args.folder}")
        return 0
    done = find_photos_of(
        read_names(args.names), args.folder, asker, args.n, tuple(args.sources.split(","))
    )
    print(f"{done}. The data set is {args.folder}: plantlab look {args.folder}")
    return 0


# score


def add_score(commands: argparse._SubParsersAction) -> None:
    """Add `plantlab score`, which scores any tool's answers."""
    score = commands.add_parser("score", help="score any tool's answers against the truth")
    score.set_defaults(command=_score)
    read = "a PlantCLEF run, Pl@ntNet's .json, a CSV of pybioclip or identify, or a table"
    score.add_argument("answers", help=read)
    score.add_argument(
        "--truth", required=True, metavar="TABLE", help="image_path (or obs_id) and species"
    )
    score.add_argument("--by", metavar="COLUMN", help="of the truth, such as organ: a row a value")
    score.add_argument("--groups", metavar="FILE", help="a table: group, species; a row a group")
    accepted = "a table of accepted names: synonyms count as the same species"
    score.add_argument("--names", metavar="CHECKLIST", help=accepted)
    score.add_argument("--out", metavar="CSV", help="also write the scores there")


def _score(args: argparse.Namespace) -> int:
    from plantlab.files import write_whole
    from plantlab.predictions import judging, metrics
    from plantlab.predictions.runfiles import read_answers

    if args.by and args.groups:
        raise ValueError("--by and --groups both make the rows; leave one out.")
    truth = judging.read_truth(args.truth)
    answers = judging.align(read_answers(args.answers), truth, args.names)
    by = judging.read_groups(args.groups) if args.groups else args.by
    scores = judging.judge(answers, by)
    shown = metrics.readable(scores.drop(columns=["kind", "n_species"]))
    print(shown.round(3).to_string(index=False, na_rep=""))
    print("\n".join(answers.images.attrs["notes"]))
    if args.out:
        write_whole(args.out, scores.to_csv(index=False))
    return 0
