"""Photos decoded for a network that is asked: files in, batches out, in their order. No torch."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from plantlab.data.photos import PhotoError, open_photo
from plantlab.networks.device import n_threads
from plantlab.networks.views import decoded_size, seen_whole


def batches(
    paths: list,
    size: int,
    view: str = "plain",
    batch_size: int = 32,
    problems: dict | None = None,
    run: Callable[[np.ndarray], np.ndarray] = np.asarray,
    opened: Callable[[object, int], Image.Image] = open_photo,
) -> Iterator[np.ndarray]:
    """Yield photos uint8 (B, 3, size, size), or what `run` makes of them, in the order of `paths`.

    Each core decodes a batch and runs it, beside the others: none waits for photos, or for its
    share of a layer.

    Args:
        paths: files, or the bytes of photos.
        problems: gets {path: why} of what cannot be read; its row is then black.
        run: a function that several threads may call at once, such as that of
            compiled.compile_network.
        opened: returns the photo of one of `paths`, its shorter side no less than a size; so that
            they may be anything, such as the tiles of one photo.
    Raises:
        PhotoError: without `problems`, a file that cannot be read; inspection.set_aside finds them
            beforehand.
    """

    def decode(path: str | bytes) -> np.ndarray:
        try:
            photo = opened(path, decoded_size(size, view))
        except PhotoError as error:
            if problems is None:
                raise
            problems[path] = str(error)
            return np.zeros((3, size, size), np.uint8)
        return seen_whole(photo, size, view).transpose(2, 0, 1)

    def decode_and_run(part: list) -> np.ndarray:
        photos = [decode(path) for path in part]
        return run(np.stack(photos))

    starts = range(0, len(paths), batch_size)
    parts = [paths[start : start + batch_size] for start in starts]
    with ThreadPoolExecutor(n_threads()) as pool:
        yield from pool.map(decode_and_run, parts)
