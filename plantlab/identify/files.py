"""Names for a folder of photos, written as it goes."""

from io import BytesIO
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from plantlab.data.photos import SUFFIXES
from plantlab.files import write_whole
from plantlab.identify.model import Identifier
from plantlab.networks.backbones import fingerprint


def identify_files(photos: list[str], out: str | Path, model: Identifier) -> str:
    """Write one row a photo into the CSV table `out` (see Identifier.stream) as it goes; return what was done.

    Rows that stand there are kept, and their photos passed over: a killed run goes on, a grown folder is completed.
    `photos` are files, or folders that are searched.

    Raises:
        ValueError: no such file or folder, no photo in them, or `out` is of another model or no such table.
    """
    listed = {}
    for each in map(Path, photos):
        if not each.exists():
            raise ValueError(
                f"{each} is neither a file nor a folder; name photos, or folders that hold some."
            )
        files = sorted(each.rglob("*")) if each.is_dir() else [each]
        listed |= {
            str(f): None for f in files if f == each or f.suffix.lower() in SUFFIXES and f.is_file()
        }
    if not listed:
        raise ValueError(
            f"no photos in {', '.join(photos)}; looked for {' '.join(sorted(SUFFIXES))}."
        )
    out, name = Path(out), f"{model.card['data']} {fingerprint(model.network)}"
    told = out.read_bytes() if out.exists() else b""
    whole = told[: told.rfind(b"\n") + 1]  # without a killed run's last line
    ours = b"image_path".startswith(told.strip()[:10])
    kept = (
        pd.read_csv(BytesIO(whole), dtype=str, keep_default_na=False)
        if ours and whole.strip()
        else pd.DataFrame()
    )
    if not ours or kept.size and ("model" not in kept or set(kept["model"]) - {name}):
        found = (
            "the answers of another model"
            if "model" in kept
            else f"{told[:80].decode(errors='replace')!r}"
        )
        raise ValueError(f"{out} holds {found}; name another file with --out, or delete it.")
    write_whole(out, whole)  # its folder, too
    todo, problems = [path for path in listed if path not in set(kept.get("image_path", ()))], 0
    with tqdm(
        total=len(listed), initial=len(listed) - len(todo), unit=" photos", desc="identify"
    ) as bar:
        for table in model.stream(todo):
            rows = (
                table.assign(model=name)
                .round(4)
                .to_csv(index=False, header=not out.exists() or not kept.size)
            )
            with open(out, "a", encoding="utf-8", newline="") as file:
                file.write(rows)
            problems, kept = problems + (table["problem"] != "").sum(), table
            bar.update(len(table))
    return f"{len(todo) - problems} photos named, {len(listed) - len(todo)} kept, {problems} could not be read"
