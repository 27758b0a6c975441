"""Shards that plantlab packed: Parquet files of photos, and one table of all of them."""

import io
from pathlib import Path

import pandas as pd

from plantlab.data.addresses import content_of, is_far
from plantlab.data.layouts.found import Found
from plantlab.data.table import TableError

INDEX = "images.parquet"  # the table, with the address of each photo
SHARDS = "photos-*.parquet"
FORMAT = b"plantlab_shards"  # in a file's schema: the version of this layout
VERSION = b"1"


def read_shards(place: str | Path) -> Found | None:
    """Return the photos of shards in a folder, or far away at an address of fsspec.

    None where a folder holds none of them.

    Raises:
        TableError: nothing can be read at an address, or packing was not finished.
    """
    if is_far(place):
        return _read_far(str(place).rstrip("/"))
    index = Path(place) / INDEX
    if not index.is_file():
        if any(Path(place).glob(SHARDS)):
            raise TableError(
                f"{place} holds shards but no {INDEX}: packing was not finished. "
                "Run the same `plantlab shards` again; it goes on where it was."
            )
        return None
    table = _table(index)
    if table is None:
        return None
    return Found(table.assign(image_path=str(place) + "/" + table["image_path"]), [])


def _read_far(address: str) -> Found:
    try:
        table = _table(io.BytesIO(content_of(f"{address}/{INDEX}")))
    except ImportError as error:  # what fsspec says where a kind of place needs a package
        raise TableError(f"{address}: {error}") from None
    except Exception as error:  # each kind of place has errors of its own
        why = str(error) or type(error).__name__
        raise TableError(
            f"found no shards at {address}: {why[:200]}. Expected {INDEX} there, as "
            "`plantlab shards` writes it."
        ) from None
    if table is None:
        raise TableError(f"{address}/{INDEX} was not written by `plantlab shards`.")
    return Found(table.assign(image_path=address + "/" + table["image_path"]), [])


def _table(file: object) -> pd.DataFrame | None:
    """Return the table of shards, None where a file is another table."""
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    if FORMAT not in (table.schema.metadata or {}):
        return None
    return table.to_pandas()
