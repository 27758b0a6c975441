"""Published photographs by name: fetched once, gone on with when cut off, whole or not at all."""

import os
import shutil
import tarfile
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from plantlab.data.table import TableError
from plantlab.files import project_root, write_whole

BLOCK = 2**20  # bytes that are written at once
TRIES = 5  # to go on after the other end breaks off
PATIENCE = 30  # seconds without a byte
SMALL = 2**30  # bytes; what is larger is fetched only when that is said
NOTHING_LEFT = 416  # HTTP: the range begins behind the end
AGREED = "PLANTLAB_FETCH"  # the variable that says so


@dataclass(frozen=True)
class Published:
    """A data set as its authors publish it.

    Attributes:
        files: where each lies, and its checksum ("md5:...", "sha256:..."), "" where none is known.
        size: bytes of all of them, about.
        licence, citation: shown before it is fetched.
    """

    files: Mapping[str, str]
    size: int
    licence: str
    citation: str


OXFORD = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102"
PUBLISHED = {
    "flower_photos": Published(
        {
            "https://storage.googleapis.com/download.tensorflow.org/example_images/"
            "flower_photos.tgz": ""
        },
        228_813_984,
        "CC-BY 2.0, the photographers are named in LICENSE.txt",
        "The TensorFlow Team, Flowers, 2019",
    ),
    "oxford102": Published(
        {
            f"{OXFORD}/102flowers.tgz": "md5:52808999861908f626f3c1f4e79d11fa",
            f"{OXFORD}/setid.mat": "md5:a5357ecc9cb78c4bef273ce3793fc85c",
            f"{OXFORD}/imagelabels.mat": "md5:e0620be6f572b9609742df49c70aed4d",
        },
        345_000_000,
        "for research; the photographs are their authors'",
        "Nilsback and Zisserman, Automated flower classification over many classes, 2008",
    ),
    "plantnet300k": Published(
        {"https://zenodo.org/records/5645731/files/plantnet_300K.zip": ""},
        31_670_505_069,
        "CC-BY 4.0 and CC-BY-SA 4.0, see its metadata",
        "Garcin and others, Pl@ntNet-300K, NeurIPS Datasets and Benchmarks 2021",
    ),
}


def fetched(name: str, folder: Path | None = None) -> Path:
    """Return the folder of published photographs, fetched into data/photos the first time.

    What was downloaded stays until all is unpacked, so a broken connection or a killed run goes on
    where it was. Beside the folder its archives' sha256 are written down.

    Raises:
        TableError: they cannot be fetched, or are large and nobody has agreed.
    """
    import pooch

    published = PUBLISHED[name]
    folder = folder or project_root() / "data" / "photos"
    place = folder / name
    if place.is_dir():
        return place
    gib = published.size / 2**30
    if published.size > SMALL and os.environ.get(AGREED) != name:
        raise TableError(
            f"{name} is {gib:.1f} GB to fetch, and twice that on the disk. Set {AGREED}={name} to "
            f"fetch it, or unpack it yourself into {place}."
        )
    print(f"{name}: {published.citation}. Licence: {published.licence}. {gib:.1f} GB, once.")
    archives = folder / f".{name}-fetched"
    files = []
    for url, known in published.files.items():
        file = _download(url, known, archives)
        if not known:
            _check_size(file, published.size)
        files.append(file)
    beside = folder / f".{name}-{uuid.uuid4().hex}"
    try:
        for file in files:
            _unpack(file, beside)
        os.replace(beside, place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    sums = [f"{pooch.file_hash(file)}  {file.name}" for file in files]
    write_whole(folder / f"{name}.sha256", "\n".join([*sums, ""]))
    shutil.rmtree(archives, ignore_errors=True)
    return place


def _check_size(file: Path, size: int) -> None:
    """Raise TableError unless a file without a published checksum has the published size."""
    found = file.stat().st_size
    if found != size:
        file.unlink()
        raise TableError(
            f"{file.name} has {found:,} bytes and was published with {size:,}; it was left out. "
            "Run it again, or unpack the data set yourself."
        )


def _download(url: str, known: str, folder: Path) -> Path:
    """Return a file fetched from `url`.

    Raises:
        TableError: no connection, or what came is not what was published.
    """
    import pooch

    name = url.rsplit("/", 1)[-1]
    try:
        return Path(pooch.retrieve(url, known or None, name, folder, downloader=_go_on))
    except (OSError, ValueError) as error:
        (folder / name).unlink(missing_ok=True)
        raise TableError(
            f"{name} could not be fetched from {url} ({str(error)[:120]}). Is there a connection? "
            "Run it again: what has come is kept."
        ) from None


def _go_on(url: str, output_file: str, pooch: object) -> None:
    """Fetch `url` into `output_file`, from where an earlier try was cut off.

    Raises:
        OSError: refused, or broken off again and again.
    """
    target = Path(output_file)
    part = target.parent / f"{url.rsplit('/', 1)[-1]}.part"
    for left in reversed(range(TRIES)):
        have = part.stat().st_size if part.exists() else 0
        try:
            if _fetch_rest(url, part, have):
                break
        except HTTPError as error:
            if error.code != NOTHING_LEFT or not left:
                raise
            part.unlink(missing_ok=True)  # longer than what is there now
        except OSError:
            if not left:
                raise
        if not left:
            raise OSError("the connection broke off again and again")
    os.replace(part, target)


def _fetch_rest(url: str, part: Path, have: int) -> bool:
    """Add to `part` what of `url` it lacks, anew where the other end cannot go on; is it whole?

    Raises:
        OSError: no connection, or refused.
    """
    from tqdm.auto import tqdm

    asked = {"Range": f"bytes={have}-"} if have else {}
    with urlopen(Request(url, headers=asked), timeout=PATIENCE) as answer:
        goes_on = answer.status == 206
        start = have if goes_on else 0
        announced = answer.headers.get("Content-Length")
        whole = start + int(announced) if announced else None
        with (
            part.open("ab" if goes_on else "wb") as file,
            tqdm(total=whole, initial=start, unit="B", unit_scale=True) as bar,
        ):
            while block := answer.read(BLOCK):
                file.write(block)
                bar.update(len(block))
    return whole is None or part.stat().st_size >= whole


def _unpack(file: Path, folder: Path) -> None:
    """Unpack an archive into `folder`, or copy a file that is none.

    Raises:
        TableError: damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                archive.extractall(folder, filter="data")  # nothing outside of it
        elif zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                archive.extractall(folder)
        elif file.suffix in (".tgz", ".gz", ".zip"):
            raise tarfile.TarError("no archive")
        else:
            shutil.copy(file, folder / file.name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        file.unlink(missing_ok=True)
        raise TableError(
            f"{file.name} is damaged ({str(error)[:100]}); run it again to fetch it anew."
        ) from None
