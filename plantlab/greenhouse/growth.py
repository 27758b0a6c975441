"""Whole shoots: an individual of a species, and the L-systems that set its leaves, flowers and fruits on stems.

Source: P. Prusinkiewicz and A. Lindenmayer, The Algorithmic Beauty of Plants, Springer 1990, chapter 1: bracketed,
parametric, stochastic L-systems, read by a turtle. A module is (symbol, length, radius): `F` a piece of stem, `L` a
leaf, `K` a flower, `R` a fruit; `&` pitches away from the axis, `/` rolls about it, by degrees; `[` and `]` branch.
"""

from types import SimpleNamespace

import numpy as np

from plantlab.greenhouse.flora import COLOURS, NUMBERS
from plantlab.greenhouse.organs import EYE, axes, flower, fruit, leaf, place, revolve, rgb

FACE = np.array([[-1, 0, 0], [0, 0, 1.0], [0, 1, 0]])  # a flower faces along the stem that bears it
EYES = [
    (0.13, 0.9, 0.9),
    (0.09, 0.85, 0.75),
    (0.05, 0.7, 0.35),
    (0.95, 0.7, 0.45),
]  # anthers and patterns of petals
RIPE = [0.0, 0.97, 0.06, 0.1, 0.24, 0.67, 0.76, 0.93]  # hues of fruits
INFLORESCENCES = {  # how many flowers; along an axis: the step and the stalk, in flower widths, flat on top?, the pitch
    "solitary": (1,), "panicle": (5,), "umbel": (11,), "spike": (11, 0.34, 0.12, False, 66),
    "raceme": (8, 0.42, 0.6, False, 66), "corymb": (8, 0.42, 0.4, True, 42),
}  # fmt: skip


def individual(species, seed: int, day: int) -> SimpleNamespace:
    """Return one plant: the traits of its species, departed from a little, and its colours on that day of the year."""
    rng, t = np.random.default_rng(seed), SimpleNamespace(**species)
    t.n_petals = int(t.n_petals)
    for name in NUMBERS:
        setattr(t, name, float(np.clip(getattr(t, name) + rng.normal(0, 0.07), 0, 1)))
    names, morph = list(COLOURS), t.flower_colour
    if rng.random() >= 0.85:
        morph = names[(names.index(morph) + rng.choice([-1, 1])) % len(names)]
    hue, saturation, value = COLOURS[morph]
    t.flower_rgb = rgb(
        hue + rng.normal(0, 0.018),
        saturation * rng.uniform(0.75, 1.1),
        value * rng.uniform(0.85, 1.03),
    )
    t.eye_rgb, t.eye_pale = rgb(*EYES[int(t.veins * 3.99)]), t.gloss > 0.5
    hue, saturation = (
        0.2 + 0.14 * t.leaf_tone + rng.normal(0, 0.012),
        rng.uniform(0.5, 0.75) - 0.2 * t.leaf_tone,
    )
    t.leaf_rgb = rgb(hue, saturation, rng.uniform(0.38, 0.6))
    if t.habit != "herb" and day > 265:  # autumn
        t.leaf_rgb = rgb(rng.uniform(0.02, 0.15), 0.75, rng.uniform(0.5, 0.8))
    t.fruit_rgb = rgb(
        RIPE[int(t.fruit_hue * 7.99)], 0.8, 0.75 - 0.45 * (t.fruit_hue > 0.62)
    ) * rng.uniform(0.85, 1.1)
    t.bark_rgb = rgb(
        0.07 + 0.03 * t.bark_tone,
        0.2 + 0.25 * t.bark_tone,
        rng.uniform(0.4, 0.65) - 0.2 * t.bark_tone,
    )
    t.blemish = rng.random() ** 2
    t.diameter = 0.22 + 0.75 * t.flower_size if t.flower_size > 0.15 else 0.1 + 0.6 * t.flower_size
    t.blade = 0.55 + 0.75 * t.leaf_size
    return t


def side(pitch: float, *modules, roll: float = 137.5) -> list:
    """Return the word of a side branch, and the roll to the next."""
    return [("[",), ("&", pitch), *modules, ("]",), ("/", roll)]


def turtle(word: list, rng: np.random.Generator, wobble: float = 4, rise: float = 0.0) -> dict:
    """Return what stands where: symbol -> (frames (N, 3, 3), origins (N, 3), sizes (N, 2)).

    `wobble` is the turtle's unsteadiness in degrees, `rise` how much each piece of stem bends up (or down).
    """
    frame, at = np.array([[1, 0, 0], [0, 0, -1.0], [0, 1, 0]]), np.zeros(3)
    stack, parts = [], {}
    shake = iter(rng.normal(0, np.radians(wobble), 2 * len(word)))
    for symbol, *size in word:
        if symbol == "[":
            stack.append((frame, at))
        elif symbol == "]":
            frame, at = stack.pop()
        elif symbol in "&/":
            angle = np.radians(size[0]) + next(shake)
            c, s = np.cos(angle), np.sin(angle)
            turn = (
                [[1, 0, 0], [0, c, s], [0, -s, c]]
                if symbol == "&"
                else [[c, 0, s], [0, 1, 0], [-s, 0, c]]
            )
            frame = frame @ np.array(turn)
        else:
            parts.setdefault(symbol, []).append((frame, at, (*size, 0)[:2]))
            if symbol == "F":
                at = at + frame[:, 1] * size[0]
                frame = axes(frame[:, 1] + frame[:, 0] * next(shake) + [0, 0, rise], frame[:, 2])
    return {symbol: tuple(np.array(v) for v in zip(*kept)) for symbol, kept in parts.items()}


def inflorescence(t, rng, bearing: str = "K") -> list:
    """Return the word of an inflorescence, or of what it has become in fruit (`bearing` "R")."""
    d = t.diameter if bearing == "K" else t.diameter * 0.5 + 0.15
    n, *along = INFLORESCENCES[t.inflorescence]
    n = max(2, int(n * rng.uniform(0.7, 1.2) * (1.5 if t.diameter < 0.25 else 1))) if n > 1 else 1
    n, thin = max(1, n // 2) if bearing == "R" else n, 0.006 + 0.03 * d

    def branch(k):
        if k < 1:
            return [("F", 0.5 * d, thin), (bearing, d)]
        return [("F", 0.75 * d, thin * 1.3), *side(48, *branch(k - 2)), *branch(k - 1)]

    if t.inflorescence == "solitary":
        return [("F", 1.6 * d, thin * 1.4), ("&", 25), ("F", 0.2 * d, thin * 1.4), (bearing, d)]
    if t.inflorescence == "panicle":
        return [("F", d, thin * 1.6), *branch(n)]
    if t.inflorescence == "umbel":
        long, tilts = d * max(1.1, 0.42 * np.sqrt(n)), 70 * np.sqrt((np.arange(n) + 0.5) / n)
        return [("F", d, thin * 1.5)] + [
            m for tilt in tilts for m in side(tilt, ("F", long, thin), (bearing, d))
        ]
    word, (step, stalk, flat, pitch) = [("F", d, thin * 1.6)], along
    for k in range(n, 0, -1):
        long = k * (step * d) * flat + stalk * d
        word += [("F", step * d, thin * 1.5), *side(pitch, ("F", long, thin), (bearing, d))]
    return [*word, ("F", step * d, thin), (bearing, d * 0.8)]


def leaves(t, rng, size: float = 1.0, pitch: float = 55) -> list:
    """Return the word of one node: its leaves, and the roll to the next node."""
    n, turn, word = *{"opposite": (2, 90), "whorled": (4, 45)}.get(t.phyllotaxis, (1, 137.5)), []
    for _ in range(n):
        blade = t.blade * size * rng.uniform(0.85, 1.1)
        stalk = ("F", 0.16 * blade, 0.018)
        word += side(pitch + rng.normal(0, 8), stalk, ("L", blade), roll=360 / n if n > 1 else 0)
    return [*word, ("/", turn)]


def shoot(t, rng, nodes: int = 5, bearing: str = "", basal: bool | None = None) -> list:
    """Return the word of a leafy stem that ends in flowers or fruits (`bearing`), or in a young leaf."""
    tip = (
        inflorescence(t, rng, bearing)
        if bearing
        else [*leaves(t, rng, 0.5, 25), ("&", 10), ("L", 0.4 * t.blade)]
    )
    if t.phyllotaxis == "basal" if basal is None else basal:
        rosette = [
            m for _ in range(nodes + 3) for m in [*leaves(t, rng, pitch=68), ("F", 0.01, 0.03)]
        ]
        return rosette + [("F", t.blade * 0.5, 0.03)] * 2 + tip if bearing else rosette
    step = t.blade * (0.5 if t.phyllotaxis in ("opposite", "whorled") else 0.3)
    sizes = 0.7 + 0.3 * np.arange(nodes, 0, -1) / nodes
    return [m for size in sizes for m in [("F", step, 0.035), *leaves(t, rng, size)]] + tip


def tree(t, rng, bearing: str = "") -> list:
    """Return the word of a tree or shrub: limbs that fork and taper, tufts of leaves, flowers or fruits at their ends.

    Tall species keep a leader, so that the crown is a cone; in the others all limbs are alike and the crown is round.
    """
    spread, leader = 26 + 30 * t.branching, t.height > 0.6
    tuft = [m for k in range(6) for m in side(35 + 9 * k, ("L", 0.34))]

    def limb(k, r):
        length = (0.34 + 0.2 * k) * rng.uniform(0.7, 1.3)
        if k < 1:
            return [("F", 0.25, r), *tuft, *([("&", 20), (bearing, 0.3)] if bearing else [])]
        word = [("F", length, r)]
        for _ in range(3 if leader else int(rng.integers(2, 4))):
            pitch, low = rng.normal(spread + 12 * leader, 8), k - 1 - leader * rng.uniform(0, 0.8)
            word += side(pitch, ("A", low, r * 0.6))
        word += [("[",), *tuft, ("]",)] if k < 2.5 else []
        return [*word, ("&", 6), ("A", k - (0.6 if leader else 1), r * (0.86 if leader else 0.7))]

    trunk = [("F", 0.5 + 0.5 * t.height, 0.14)] * 2 + [("A", 3.4, 0.12)]
    word = side(25, ("A", 2.9, 0.05)) * 5 if t.habit == "shrub" else trunk
    for _ in range(7):  # every bud `A` at once
        word = [m for module in word for m in (limb(*module[1:]) if module[0] == "A" else [module])]
    return word


def foliage(t, n: int, rng, curl: float, flat: bool) -> np.ndarray:
    """Return a whole leaf: one blade, or leaflets along a rachis or about its tip."""
    if t.division == "simple":
        return leaf(t, n, rng, curl, flat)
    if t.division == "pinnate":
        pairs = 3 + int(t.veins * 3)
        along, left = np.append(np.repeat(np.linspace(0.25, 0.88, pairs), 2), 0.92), [-1, 0.55, 0.1]
        heading = np.array([left, [1, 0.55, 0.1]] * pairs + [[0, 1, 0]])
        at, size = np.outer(along, [0, 1, 0]), np.append(np.full(2 * pairs, 0.34), 0.36)
    else:
        k, half = (3, 75) if t.division == "trifoliate" else (5 + 2 * int(t.veins * 2), 105)
        angle = np.radians(np.linspace(-half, half, k))
        heading = np.stack([np.sin(angle), np.cos(angle), 0.08 + 0 * angle], -1)
        at, size = np.tile([0, 0.38, 0], (k, 1)), 0.6 - 0.1 * np.abs(angle)
    one = leaf(t, max(8, int(n * size[-1])), rng, curl, flat)
    rachis = place(revolve(0.012, max(8, n), t.leaf_rgb * 0.9), EYE, 0, at[:, 1].max())
    tints, up = rng.uniform(0.88, 1.1, len(at)), rng.normal(0, 0.1, at.shape) + [0, 0, 1]
    return np.concatenate([place(one, axes(heading, up), at, size, tints), rachis])


def dice(parts: dict, t, rng, flat: bool = False, wood: bool = False) -> list:
    """Return the crowds of a plant whose sizes are in samples: three leaves and two flowers of it, set everywhere.

    A crowd is (mesh, frames, origins, sizes, tints), as `place` takes them.
    """
    crowds, nothing = [], (np.zeros((0, 3, 3)), np.zeros((0, 3)), np.zeros((0, 2)))
    makers = {"L": (3, lambda n: foliage(t, n, rng, rng.uniform(0.2, 1.3), flat)),
              "K": (2, lambda n: flower(t, n, rng)), "R": (2, lambda n: fruit(t, int(n * 1.12), rng))}  # fmt: skip
    for symbol, (kinds, make) in makers.items():
        frames, at, size = parts.get(symbol, nothing)
        for k in range(min(kinds, len(at))):
            mine = slice(k, None, kinds)
            n, turned = (
                int(max(5, size[mine, 0].max() * 0.6)),
                frames[mine] @ (FACE if symbol == "K" else EYE[0]),
            )
            crowds.append(
                (make(n), turned, at[mine], size[mine, 0], rng.normal(1, 0.07, len(turned)))
            )
    frames, at, size = parts.get("F", nothing)
    colour = t.bark_rgb if wood else t.leaf_rgb * 0.85 + np.float32([0.08, 0.03, 0.0])
    bins = np.round(np.log2(np.maximum(size, 1))).astype(int) @ [100, 1]
    for kind in np.unique(bins):  # pieces of stem of about the same length and radius share a mesh
        mine = bins == kind
        (length, radius), reach = size[mine].max(0), size[mine][:, [1, 0, 1]] * [1, 1.04, 1]
        piece = revolve(1, int(length * 0.7 + 3), around=int(radius * 4.4 + 5), shine=0.1,
                        colour=lambda u, phi: colour * rng.uniform(0.8, 1.15, (*u.shape, 1)))  # fmt: skip
        crowds.append((piece, frames[mine], at[mine], reach, np.ones(mine.sum())))
    return crowds
