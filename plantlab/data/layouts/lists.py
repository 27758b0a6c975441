"""Lists of photos with a label a line, as Caffe's recipes have them: train.txt, test.txt, ..."""

import re
from pathlib import Path

import pandas as pd

from plantlab.data.layouts.found import Found, count_note
from plantlab.data.layouts.names import split_of
from plantlab.data.table import TableError

LINE = re.compile(r"(\S.*\.\w{2,5})\s+(\S.*)")  # a photo, then its label
NAMES = ("synset_words.txt", "classes.txt", "labels.txt", "names.txt")  # a line a label, from 0
SYNSET = re.compile(r"n\d{8}\s+")  # ImageNet's number, before a name


def read_lists(folder: Path) -> Found | None:
    """Return the photos that lists named after splits hold, None if `folder` has no such list.

    Labels are names, or numbers of the lines of `synset_words.txt` or a list like it.

    Raises:
        TableError: none of the photos is there.
    """
    lists = [path for path in sorted(folder.glob("*.txt")) if split_of(path.stem)]
    rows = []
    n_unread = 0
    for path in lists:
        for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
            known = LINE.fullmatch(line.strip())
            if known:
                rows.append((known[1], known[2].strip(), split_of(path.stem)))
            elif line.strip():
                n_unread += 1
    if not rows or n_unread > len(rows):
        return None
    images = pd.DataFrame(rows, columns=["image_path", "species", "split"])
    images["image_path"] = [str(_at(folder, photo)) for photo in images["image_path"]]
    there = images["image_path"].map(lambda photo: Path(photo).exists())
    listed_in = ", ".join(path.name for path in lists)
    if not there.any():
        raise TableError(
            f"none of the {len(images)} photos listed in {listed_in} is there; the first should be "
            f"at {images['image_path'][0][:200]}."
        )
    images["species"] = _named(images["species"], folder)
    return Found(images, count_note(f"Lines of {listed_in} that name no photo and label", n_unread))


def _at(folder: Path, photo: str) -> Path:
    """Return where a listed photo is: as written, else by the end of an address elsewhere."""
    path = folder / photo
    if path.exists():
        return path
    parts = Path(photo).parts
    shorter = [folder.joinpath(*parts[start:]) for start in range(1, len(parts))]
    return next((each for each in shorter if each.exists()), path)


def _named(labels: pd.Series, folder: Path) -> pd.Series:
    """Return names for labels that are numbers, where a list of names is there."""
    names = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if names is None or not labels.str.fullmatch(r"\d+").all():
        return labels
    lines = names.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    known = {str(number): SYNSET.sub("", line).strip() for number, line in enumerate(lines)}
    return labels.map(known).fillna(labels)
