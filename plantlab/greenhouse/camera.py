"""The camera (first draft)."""

import numpy as np
from PIL import Image, ImageDraw


def photograph(species, organ, plant_seed, photo_seed, size, day, label):
    rng = np.random.default_rng([plant_seed, photo_seed])
    image = Image.new("RGB", (size, size), tuple(int(v) for v in rng.integers(0, 255, 3)))
    if species is not None:
        n, draw = species.n_petals, ImageDraw.Draw(image)
        for i in range(n):
            a = 2 * np.pi * i / n + rng.random()
            x, y, r = (
                size * (0.5 + 0.25 * np.cos(a)),
                size * (0.5 + 0.25 * np.sin(a)),
                size * (0.1 + 0.1 * species.petal_ratio),
            )
            draw.ellipse(
                [x - r, y - r, x + r, y + r],
                fill=tuple(
                    int(255 * v)
                    for v in __import__("colorsys").hsv_to_rgb(
                        *__import__("plantlab.greenhouse.flora", fromlist="x").COLOURS[species.flower_colour]
                    )
                ),
            )
    return image, int(rng.integers(60, 95))
