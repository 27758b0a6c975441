"""What people teach the desk: photos in class folders, a training beside the page, what came of it.

data/taught/NAME/ holds photos/ as they were chosen, decisions.jsonl about doubtful labels,
asked.json while a training is wanted, progress.json, then model/ and found.json. The training is a
process of its own, `python -m plantlab.desk.taught FOLDER`: it goes on when the page is left, and
begins again where it was when it was killed.
"""

import json
import os
import re
import subprocess
import sys
import time
import traceback
from pathlib import Path, PurePosixPath

import pandas as pd
from filelock import FileLock, Timeout

from plantlab.data import prepare
from plantlab.data.photos import PhotoError, is_raw, open_photo
from plantlab.files import project_root, write_whole
from plantlab.quality.decisions import apply_decisions, read_decisions
from plantlab.quality.verdict import Verdict, fit_to_train

NAME = re.compile(r"\w[\w .-]{0,39}")
MOST = 5000  # photos of a collection
DEPTH = 4  # folders above a photo that are kept
MOST_DOUBTS = 24  # photos whose labels are asked about
MOST_CONFUSIONS = 8
BEGINS = 15.0  # seconds that a process may take until it holds its lock
EPOCHS = 12


class Collection:
    """The photos that somebody teaches with, and the training on them.

    Attributes:
        name: as its owner called it.
        folder: where all of it lies.
    """

    def __init__(self, name: str, root: str | Path | None = None):
        """Name a collection; it is made by its first photo.

        Args:
            root: the folder of all collections; else data/taught in the project.
        Raises:
            ValueError: a name that is no folder's.
        """
        name = name.strip()
        if not NAME.fullmatch(name) or name.endswith("."):
            raise ValueError(
                f"a collection's name has 1 to 40 letters, digits, blanks, - or _; got {name!r}."
            )
        self.name = name
        self.root = Path(root or project_root() / "data" / "taught")
        self.folder = self.root / name
        self.photos = self.folder / "photos"
        self.decisions = self.folder / "decisions.jsonl"
        self._began = 0.0
        self._shared = ""  # the folder that holds all of the photos that are being chosen

    def exists(self) -> bool:
        """Return whether it holds photos."""
        return self.photos.is_dir()

    # photos

    def known(self, paths: list[str]) -> tuple[list[int], str]:
        """Return which of the chosen photos are wanted, and a sentence about the others.

        The folder that holds all of them is no class.
        """
        self._shared = _shared_folder(paths)
        rows = []
        n_known = 0
        for row, path in enumerate(paths):
            place = self._place(path)
            n_known += place is not None and place.exists()
            if place is not None and not place.exists():
                rows.append(row)
        if len(rows) + n_known > MOST:
            return [], f"{len(rows)} photos; a collection takes at most {MOST}."
        n_outside = len(paths) - len(rows) - n_known
        said = [f"{n_known} are here already"] if n_known else []
        said += [f"{n_outside} lie in no class folder"] if n_outside else []
        return rows, ", ".join(said)

    def keep(self, path: str, content: bytes) -> str:
        """Keep a photo, and return "", or why it is not kept."""
        place = self._place(path)
        if place is None:
            return "in no class folder"
        try:
            open_photo(content, 64)
        except PhotoError as error:
            return str(error)
        write_whole(place, content)
        return ""

    def _place(self, path: str) -> Path | None:
        """Return where a chosen photo goes; None where no folder names its class."""
        parts = PurePosixPath(path.replace("\\", "/")).parts
        parts = parts[1:] if parts and parts[0] == self._shared else parts
        safe = [part for part in parts if part not in ("/", "..", ".")]
        if len(safe) < 2 or len(safe) < len(parts) or is_raw(path):
            return None
        return self.photos.joinpath(*safe[-DEPTH - 1 :])

    def images(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the image table as people decided, split, and the files set aside.

        Raises:
            TableError: too few photos to split.
        """
        images, bad = prepare(self.photos, split=False)
        images = apply_decisions(images, read_decisions(self.decisions))
        images, _ = prepare(images)
        return images, bad

    def verdict(self) -> tuple[Verdict, pd.DataFrame]:
        """Return whether the photos are fit to train on, as notebook 01 says, and their table.

        Raises:
            TableError: too few photos to split.
        """
        images, bad = self.images()
        return fit_to_train(images, bad), images

    # the training

    def begin(self) -> None:
        """Ask for a training and start it; one that was killed goes on where it was."""
        for old in ("failed.txt", "found.json", "training.pt"):
            (self.folder / old).unlink(missing_ok=True)
        write_whole(self.folder / "asked.json", json.dumps({"epochs": EPOCHS}))
        self._start()

    def go_on(self) -> None:
        """Start a training again that is wanted and was killed."""
        if self.state()["step"] == "stopped" and time.monotonic() - self._began > BEGINS:
            self._start()

    def _start(self) -> None:
        self._began = time.monotonic()
        command = [sys.executable, "-m", __name__, str(self.folder)]
        log = self.folder / "log.txt"
        with open(log, "a", encoding="utf-8") as told:
            subprocess.Popen(
                command, cwd=project_root(), stdout=told, stderr=told, start_new_session=True
            )

    def state(self) -> dict:
        """Return the `step` that it is at, and what is known of it.

        photos (none asked for a training), begins, waits, looks, learns, examines, stopped (killed
        in the midst of it), done, failed (with `why`). `learns` has `share` and `seconds_left`.
        """
        failed = self.folder / "failed.txt"
        if failed.exists():
            return {"step": "failed", "why": failed.read_text(encoding="utf-8")}
        if (self.folder / "asked.json").exists():
            if self._is_running():
                return _read(self.folder / "progress.json") or {"step": "begins"}
            young = time.monotonic() - self._began < BEGINS
            return {"step": "begins" if young else "stopped"}
        return {"step": "done" if self.found() else "photos"}

    def _is_running(self) -> bool:
        try:
            with FileLock(self.folder / "lock", timeout=0):
                return False
        except Timeout:
            return True

    def found(self) -> dict:
        """Return what the training found: scores, confusions and doubts; {} before its end."""
        return _read(self.folder / "found.json")

    def tell(self, step: str, **more: object) -> None:
        """Write down how far the training is."""
        write_whole(self.folder / "progress.json", json.dumps({"step": step, **more}))


def _shared_folder(paths: list[str]) -> str:
    """Return the folder that holds all of the class folders, "" where there is none.

    >>> _shared_folder(["mine/rose/1.jpg", "mine/daisy/2.jpg"]), _shared_folder(["rose/1.jpg"])
    ('mine', '')
    """
    parts = [path.replace("\\", "/").split("/") for path in paths]
    tops = {each[0] for each in parts}
    inside = {each[1] for each in parts if len(each) > 2}
    shared = len(tops) == 1 and len(inside) > 1 and all(len(each) > 2 for each in parts)
    return tops.pop() if shared else ""


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


# in the process that trains


def main(folder: str) -> None:
    """Train on a collection, once no other training is under way on this machine."""
    path = Path(folder)
    collection = Collection(path.name, path.parent)
    try:
        with FileLock(path / "lock", timeout=0):
            collection.tell("waits")
            with FileLock(path.parent / ".training"):
                _finish(collection)
    except Timeout:  # it is trained on already
        return


def _finish(collection: Collection) -> None:
    """Train and keep what was found, or why that cannot be."""
    try:
        found = _train(collection)
        write_whole(collection.folder / "found.json", json.dumps(found))
    except (ValueError, OSError) as error:
        write_whole(collection.folder / "failed.txt", str(error))
    except Exception:  # whatever it is, the page says where to read it
        traceback.print_exc()
        write_whole(collection.folder / "failed.txt", f"see {collection.folder / 'log.txt'}")
    (collection.folder / "asked.json").unlink()


def _train(collection: Collection) -> dict:
    """Return what is found: a model is trained, saved and asked about test."""
    from plantlab.identify import store
    from plantlab.identify.learn import learn
    from plantlab.training.told import Told

    collection.tell("looks")
    images, _ = collection.images()
    model = learn(
        images,
        epochs=EPOCHS,
        checkpoint=collection.folder / "training.pt",
        cbs=[Told(collection.tell)],
    )
    collection.tell("examines")
    model.card["data"] = collection.name
    store.save(model, collection.folder / "model")
    (collection.folder / "training.pt").unlink(missing_ok=True)
    test = images[images["split"] == "test"].reset_index(drop=True)
    return {
        "scores": model.card["scores"],
        "confusions": _confusions(model.tell(test), test),
        "doubts": _doubts(images, model.card["backbone"], model.image_size),
    }


def _confusions(said: pd.DataFrame, test: pd.DataFrame) -> list[dict]:
    """Return the pairs that were confused most: truth, answer, n (plants), of (of that species)."""
    truth = test.drop_duplicates("obs_id").set_index("obs_id")["species"]
    told = said.assign(truth=said["obs_id"].map(truth))
    n_plants = told["truth"].value_counts()
    wrong = told[told["best"] != told["truth"]]
    pairs = wrong.groupby(["truth", "best"]).size().sort_values(ascending=False)
    rows = []
    for (true, answer), n in pairs.head(MOST_CONFUSIONS).items():
        rows.append({"truth": true, "answer": answer, "n": int(n), "of": int(n_plants[true])})
    return rows


def _doubts(images: pd.DataFrame, backbone: str, image_size: int) -> list[dict]:
    """Return the photos that heads which did not learn from them would name otherwise.

    The least likely labels first; of each image_path, sha1, species, suggested and score, the
    probability of its label.
    """
    from plantlab.heads.linear import out_of_fold
    from plantlab.networks.backbones import create_network
    from plantlab.networks.embeddings import embed

    decided = images["decision"].ne("") if "decision" in images else pd.Series(False, images.index)
    seen = embed(images, create_network(backbone), image_size)  # (N, D), kept since the head's fit
    targets, species = pd.factorize(images["species"], sort=True)
    plants, _ = pd.factorize(images["obs_id"])
    most = images.groupby("species")["obs_id"].nunique().max()
    n_folds = max(2, min(5, most))
    probs = out_of_fold(seen, targets, len(species), plants, n_folds)  # (N, K)
    believed = probs[range(len(targets)), targets]
    table = images[["image_path", "sha1", "species"]].assign(
        suggested=species[probs.argmax(axis=1)], score=believed.round(3)
    )
    doubtful = table[(table["suggested"] != table["species"]) & ~decided]
    worst = doubtful.sort_values("score").head(MOST_DOUBTS)
    return worst.assign(score=worst["score"].astype(float)).to_dict("records")


if __name__ == "__main__":
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")  # the page answers meanwhile
    main(sys.argv[1])
