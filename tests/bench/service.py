"""How quick the service is: clients at once, one alone, a survey. A record of what came out.

    python tests/bench/service.py [--model five-flowers] [--photos FOLDER] [--seconds 60]

Clients run in processes of their own beside the service, on the same cores.
"""

import argparse
import io
import socket
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from plantlab.data.layouts.search import find_photos

PLOT = (4000, 3000)  # pixels of a photo of 12 megapixels


def a_photo(seed: int, size: tuple[int, int] = (1280, 960)) -> bytes:
    """Return a JPEG of smooth noise, for who has no photos."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def ask(address: str, photos: list[bytes], seconds: float) -> list[tuple[float, int]]:
    """Return the seconds and the status of one client's questions, one after the other."""
    told = []
    end = time.monotonic() + seconds
    with httpx.Client(base_url=address, timeout=60) as client:
        for number in range(1_000_000):
            if time.monotonic() > end:
                return told
            files = [("images", ("a.jpg", photos[number % len(photos)]))]
            start = time.perf_counter()
            answer = client.post("/v2/identify/all?no-reject=true", files=files)
            told.append((time.perf_counter() - start, answer.status_code))
    return told


def survey(address: str, plot: bytes) -> tuple[float, int]:
    """Return the seconds that a plot took, and its tiles: 54 and 8."""
    cut = {"tile_size": 760, "tile_stride": 392, "size_factor": 2, "multi_scale": "true"}
    with httpx.Client(base_url=address, timeout=60) as client:
        start = time.perf_counter()
        answer = client.post("/v2/survey/tiles/all", files={"image": ("plot.jpg", plot)}, data=cut)
        seconds = time.perf_counter() - start
    return seconds, answer.json()["results"]["nb_sub_queries"]


def show(what: str, told: list[tuple[float, int]], seconds: float) -> None:
    """Print what clients saw."""
    took = np.array([each for each, _ in told])
    failed = sum(status != 200 for _, status in told)
    quarter, most = np.quantile(took, [0.5, 0.95])
    print(
        f"{what}: {len(told)} questions, {len(told) / seconds:.1f} a second, median "
        f"{1000 * quarter:.0f} ms, p95 {1000 * most:.0f} ms, {failed} not answered",
        flush=True,
    )


def main() -> None:
    """Start a service, ask it, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="five-flowers")
    parser.add_argument("--photos", help="a folder; else smooth noise of 1280 x 960 pixels")
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    if args.photos:
        photos = [Path(path).read_bytes() for path in find_photos(Path(args.photos))[0][:64]]
    else:
        photos = [a_photo(seed) for seed in range(16)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "plantlab", "serve", args.model, "--port", str(port)]
    started = time.perf_counter()
    service = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                httpx.get(f"{address}/v2/_status")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        print(f"ready after {time.perf_counter() - started:.1f} s")
        ask(address, photos, 2)
        show("one client", ask(address, photos, args.seconds / 2), args.seconds / 2)
        plot = a_photo(99, PLOT)
        for _ in range(3):
            seconds, n_tiles = survey(address, plot)
            print(f"a survey of {PLOT[0]} x {PLOT[1]}, {n_tiles} tiles: {seconds:.2f} s")
        with ProcessPoolExecutor(8) as pool:
            asked = [pool.submit(ask, address, photos, args.seconds) for _ in range(8)]
            told = [each for answers in asked for each in answers.result()]
        show("eight clients", told, args.seconds)
    finally:
        service.kill()


if __name__ == "__main__":
    main()
