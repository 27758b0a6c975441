"""The figures that others have printed, to stand beside ours."""

from pathlib import Path

import pandas as pd

from plantlab.files import project_root

AS_TEXT = {"printed": str, "flag": str}  # 0.40 stays 0.40, and a column without flags stays text


def published(name: str) -> pd.DataFrame:
    """Return a table of the literature: one printed figure a row, with its source and page.

    The first columns say what was measured and how, `metric`, `value` and `unit` what came out, and
    `printed` how it stands in the source. `flag` tells what is wrong or doubtful about a figure and
    `correct`, where it is known, the right value: a flagged figure is never shown without it.
    What each table holds is in data/published/README.md.

    >>> flowers = published("transfer_learning").query("task == 'Flower species'")
    >>> dict(zip(flowers["training"], flowers["value"]))  # percent
    {'from scratch': 59.5, 'pretrained': 89.5}

    Raises:
        ValueError: no table of that name; no tables, because plantlab was copied without them.
    """
    folder = _folder()
    names = sorted(path.stem for path in folder.glob("*.csv"))
    if not names:
        raise ValueError(
            f"no tables in {folder}: they come with plantlab's repository, work in it."
        )
    if name not in names:
        raise ValueError(f"no published table {name!r}; there are {', '.join(names)}.")
    return pd.read_csv(folder / f"{name}.csv", dtype=AS_TEXT)


def _folder() -> Path:
    """Return the project's data/published, else that of the repository plantlab is loaded from."""
    of_project = project_root() / "data" / "published"
    of_package = Path(__file__).resolve().parents[2] / "data" / "published"
    return of_project if of_project.is_dir() or not of_package.is_dir() else of_package
