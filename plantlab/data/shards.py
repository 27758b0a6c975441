"""Photos packed into a few large files, for disks that bear few small ones and for far places.

A shard is a Parquet file: a column `image` of bytes and name, as the Hugging Face hub has it, and
the columns of the image table. Photos lie in it whole and uncompressed, so images.parquet can say
which bytes of which shard are a photo, and reading one needs no Parquet.
"""

import hashlib
import io
import mmap
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from plantlab.data.addresses import content_of, file_of, is_far, is_part, part_of
from plantlab.data.inspection import FACTS
from plantlab.data.layouts.shards import FORMAT, INDEX, SHARDS, VERSION
from plantlab.data.photos import open_photo
from plantlab.data.table import COLUMNS, relative_names, require
from plantlab.files import write_whole

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 32  # photos held in memory
QUALITY = 90  # of a resized JPEG
KEY = b"plantlab_key"  # in a shard's schema: what it was made from


def write_shards(
    images: pd.DataFrame, folder: str | Path, size: int | None = None, per_shard: int = 2000
) -> list[Path]:
    """Write photos and their table into shards; return the files, images.parquet the last.

    They are photos / per_shard, rounded down but at least one, and the table. Shards keep the order
    of the rows. One that is there already, of the same photos, is kept: a killed run goes on.

    Args:
        images: as inspection.set_aside returns it.
        size: shorter side in pixels; larger photos become JPEGs of it. None keeps every byte.
        per_shard: photos in a shard, at least.
    Raises:
        TableError: photos that were not inspected. ValueError: a size or number below 1, no photos,
            or a folder that holds another table.
    """
    require(images, "image_path", *FACTS)
    if is_far(folder):
        raise ValueError(f"shards are written to a disk, not to {folder}; copy them there then.")
    folder = Path(folder)
    smallest = per_shard if size is None else min(per_shard, size)
    if smallest < 1 or images.empty:
        raise ValueError(
            "expected photos, a size and a number of photos a shard of at least 1; "
            f"got {len(images)}, {size} and {per_shard}"
        )
    _check_own(folder, images)
    table = _to_write(images)
    (folder / INDEX).unlink(missing_ok=True)  # until all its shards are there
    n_shards = max(1, len(table) // per_shard)
    files = []
    for number, rows in enumerate(np.array_split(np.arange(len(table)), n_shards)):
        file = folder / f"photos-{number:05d}.parquet"
        files.append(file)
        part = table.iloc[rows]
        key = _key(part, size)
        if _key_of(file) != key:
            write_whole(file, partial(_write_shard, part=part, size=size, key=key))
    for stale in {*folder.glob(SHARDS)} - {*files}:
        stale.unlink()
    index = pd.concat(map(_indexed, files), ignore_index=True)
    return [*files, write_whole(folder / INDEX, partial(_write_index, index))]


def _check_own(folder: Path, images: pd.DataFrame) -> None:
    """Raise ValueError where a folder holds what is not ours to write over, or what is packed."""
    import pyarrow.parquet as pq

    for file in (folder / INDEX, *folder.glob(SHARDS)):
        if file.is_file() and FORMAT not in (pq.read_schema(file).metadata or {}):
            raise ValueError(f"{file} is a table of yours; name another folder for the shards.")
    packed = set(map(file_of, images["image_path"]))
    if any(Path(file).parent.absolute() == folder.absolute() for file in packed):
        raise ValueError(f"{folder} holds the photos that are to be packed; name another folder.")


def _to_write(images: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the columns that a shard keeps, and `name`, below the common folder."""
    kept = [name for name in (*COLUMNS, *FACTS, "taken") if name in images]
    table = images[kept].reset_index(drop=True)
    again = "name" in images and all(map(is_part, images["image_path"]))
    names = images["name"] if again else relative_names(images)
    return table.assign(name=names.to_numpy())


def _key(part: pd.DataFrame, size: int | None) -> bytes:
    """Return what names the content of a shard: its table, and what its photos became."""
    told = part.drop(columns="image_path").to_csv(index=False)
    return hashlib.sha1(f"{size} {QUALITY} {told}".encode()).hexdigest().encode()


def _key_of(file: Path) -> bytes:
    """Return the key of a shard, nothing where there is none."""
    import pyarrow.parquet as pq

    if not file.is_file():
        return b""
    return (pq.read_schema(file).metadata or {}).get(KEY, b"")


def _write_shard(file: Path, part: pd.DataFrame, size: int | None, key: bytes) -> None:
    import pyarrow.parquet as pq

    columns = list(part.columns.drop("image_path"))
    schema = _schema(part[columns], key)
    packing = dict.fromkeys(columns, "zstd") | {"image.path": "zstd", "image.bytes": "none"}
    options = {"compression": packing, "use_dictionary": columns, "write_statistics": columns}
    pool = ThreadPoolExecutor(os.cpu_count())
    with pq.ParquetWriter(file, schema, **options) as writer, pool:
        for start in range(0, len(part), AT_ONCE):
            rows = part.iloc[start : start + AT_ONCE]
            contents = list(pool.map(partial(_packed, size=size), rows["image_path"]))
            told = rows[columns] if size is None else _told_anew(rows[columns], contents)
            writer.write_table(_as_arrow(told, contents, schema))


def _schema(told: pd.DataFrame, key: bytes) -> "pa.Schema":
    import pyarrow as pa

    photo = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = pa.Schema.from_pandas(told, preserve_index=False).remove_metadata()
    schema = pa.schema([pa.field("image", photo), *columns])
    return schema.with_metadata({FORMAT: VERSION, KEY: key})


def _told_anew(told: pd.DataFrame, contents: list[bytes]) -> pd.DataFrame:
    """Return rows with the facts of what their photos became."""
    sides = np.array([_sides(content) for content in contents])  # (N, 2)
    is_wide = told["width"] >= told["height"]  # the file itself need not be upright
    return told.assign(
        sha1=[hashlib.sha1(content).hexdigest() for content in contents],
        width=np.where(is_wide, sides.max(1), sides.min(1)),
        height=np.where(is_wide, sides.min(1), sides.max(1)),
    )


def _as_arrow(told: pd.DataFrame, contents: list[bytes], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    pairs = zip(contents, told["name"])
    photos = [{"bytes": content, "path": name} for content, name in pairs]
    columns = pa.Table.from_pandas(told, schema.remove(0), preserve_index=False)
    table = columns.add_column(0, schema.field(0), pa.array(photos, schema.field(0).type))
    return table.cast(schema)


def _packed(address: str, size: int | None) -> bytes:
    """Return a photo's bytes, or a JPEG whose shorter side is `size` where it is larger."""
    content = content_of(address)
    if size is None or min(_sides(content)) <= size:
        return content
    photo = open_photo(content, size)
    scale = size / min(photo.size)
    width, height = (round(scale * side) for side in photo.size)
    jpeg = io.BytesIO()
    photo.resize((width, height), Image.Resampling.LANCZOS).save(jpeg, "JPEG", quality=QUALITY)
    return jpeg.getvalue()


def _sides(content: bytes) -> tuple[int, int]:
    """Return the sides of a photo in pixels, which need not be upright."""
    return Image.open(io.BytesIO(content)).size


def _indexed(file: Path) -> pd.DataFrame:
    """Return a shard's table, with the address of each photo, below its folder."""
    import pyarrow.parquet as pq

    shard = pq.ParquetFile(file)
    names = [name for name in shard.schema_arrow.names if name != "image"]
    table = shard.read(names).to_pandas()
    with (
        open(file, "rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        places = list(_places(shard, content))
    table["image_path"] = [part_of(file.name, first, last) for first, last in places]
    return table


def _places(shard: "pa.parquet.ParquetFile", content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Yield where the bytes of each photo lie in a shard, first and last, in their order."""
    at = 0
    for group in range(shard.num_row_groups):
        photos = shard.read_row_group(group, ["image.bytes"]).column("image")
        for photo in photos:
            found = photo.as_py()["bytes"]
            first = content.find(found, at)
            at = first + len(found)
            yield first, at - 1


def _write_index(index: pd.DataFrame, file: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(index, preserve_index=False)
    told = {**(table.schema.metadata or {}), FORMAT: VERSION}
    pq.write_table(table.replace_schema_metadata(told), file, compression="zstd")
