"""Whole shoots: the L-systems that set leaves, flowers and fruits on stems.

Source: P. Prusinkiewicz and A. Lindenmayer, The Algorithmic Beauty of Plants, Springer 1990,
chapter 1: bracketed, parametric, stochastic L-systems, read by a turtle. A word is a list of
modules. Their symbols: `F` a piece of stem, `L` a leaf, `K` a flower, `R` a fruit; `&` pitches away
from the axis, `/` rolls about it; `[` and `]` branch; `A` is a bud that is still to grow.
"""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from numpy import ndarray, sqrt
from numpy.random import Generator

from plantlab.greenhouse.shapes import axes, turn_about_x, turn_about_y


class Module(NamedTuple):
    """One symbol of a word, with its numbers."""

    symbol: str
    value: float = 0  # the length of a stem, the size of an organ, the degrees of a turn
    radius: float = 0  # of a stem


Word = list[Module]
PUSH = Module("[")
POP = Module("]")


class Parts(NamedTuple):
    """Where all parts of one symbol stand: N frames, N origins, and N sizes (length, radius)."""

    frames: ndarray  # (N, 3, 3)
    origins: ndarray  # (N, 3)
    sizes: ndarray  # (N, 2)


class Axis(NamedTuple):
    """An inflorescence with flowers along one axis; lengths in widths of a flower."""

    step: float
    stalk: float
    flat_topped: bool
    pitch: float  # degrees


N_FLOWERS = {  # about
    "solitary": 1,
    "panicle": 5,
    "umbel": 11,
    "spike": 11,
    "raceme": 8,
    "corymb": 8,
}
AXES = {
    "spike": Axis(step=0.34, stalk=0.12, flat_topped=False, pitch=66),
    "raceme": Axis(step=0.42, stalk=0.6, flat_topped=False, pitch=66),
    "corymb": Axis(step=0.42, stalk=0.4, flat_topped=True, pitch=42),
}


class Node(NamedTuple):
    """How leaves stand at a node of the stem."""

    n_leaves: int
    turn: float  # degrees to the next node


ALTERNATE = Node(1, turn=137.5)
NODES = {"opposite": Node(2, turn=90), "whorled": Node(4, turn=45)}


def stem(length: float, radius: float) -> Module:
    """Return a piece of stem."""
    return Module("F", length, radius)


def pitch(degrees: float) -> Module:
    """Return a turn away from the axis."""
    return Module("&", degrees)


def roll(degrees: float) -> Module:
    """Return a turn about the axis."""
    return Module("/", degrees)


def side(degrees: float, branch: Word, turn: float = 137.5) -> Word:
    """Return the word of a side branch, pitched by some degrees, and the roll to the next."""
    return [PUSH, pitch(degrees), *branch, POP, roll(turn)]


def turtle(word: Word, rng: Generator, wobble: float = 4, rise: float = 0.0) -> dict[str, Parts]:
    """Return what stands where, by symbol.

    Args:
        wobble: the turtle's unsteadiness in degrees.
        rise: how much each piece of stem bends up, or down.
    """
    frame = np.array([[1, 0, 0], [0, 0, -1.0], [0, 1, 0]])
    at = np.zeros(3)
    stack = []
    found: dict[str, list] = {}
    unsteady = np.radians(wobble)
    shake = iter(rng.normal(0, unsteady, 2 * len(word)))
    for symbol, value, radius in word:
        if symbol == "[":
            stack.append((frame, at))
        elif symbol == "]":
            frame, at = stack.pop()
        elif symbol in "&/":
            turn = turn_about_x if symbol == "&" else turn_about_y
            frame = frame @ turn(np.radians(value) + next(shake))
        else:
            copies = found.setdefault(symbol, [])
            copies.append((frame, at, (value, radius)))
        if symbol == "F":
            at = at + frame[:, 1] * value
            right, ahead, up = frame.T
            ahead = ahead + right * next(shake) + [0, 0, rise]
            frame = axes(ahead, up)
    return {symbol: _stacked(copies) for symbol, copies in found.items()}


def _stacked(copies: list[tuple]) -> Parts:
    frames, origins, sizes = zip(*copies)
    return Parts(np.array(frames), np.array(origins), np.array(sizes))


def inflorescence(plant: SimpleNamespace, rng: Generator, bearing: str = "K") -> Word:
    """Return the word of an inflorescence, or of what it has become in fruit (`bearing` "R")."""
    d = plant.diameter if bearing == "K" else plant.diameter * 0.5 + 0.15
    n = _n_flowers(plant, rng)
    if bearing == "R":
        n = max(1, n // 2)
    thin = 0.006 + 0.03 * d
    organ = Module(bearing, d)
    if plant.inflorescence == "solitary":
        thick = thin * 1.4
        return [stem(1.6 * d, thick), pitch(25), stem(0.2 * d, thick), organ]
    if plant.inflorescence == "panicle":
        return [stem(d, thin * 1.6), *_panicle(n, thin, organ)]
    if plant.inflorescence == "umbel":
        return [stem(d, thin * 1.5), *_umbel(n, thin, organ)]
    axis = AXES[plant.inflorescence]
    return [stem(d, thin * 1.6), *_along(axis, n, thin, organ)]


def _n_flowers(plant: SimpleNamespace, rng: Generator) -> int:
    """Return how many flowers an inflorescence has; of small ones there are more."""
    usual = N_FLOWERS[plant.inflorescence]
    if usual == 1:
        return 1
    more = 1.5 if plant.diameter < 0.25 else 1
    return max(2, int(usual * rng.uniform(0.7, 1.2) * more))


def _panicle(k: int, thin: float, organ: Module) -> Word:
    """Return a branch that forks into one of order k - 1 and, aside, one of order k - 2."""
    d = organ.value
    if k < 1:
        return [stem(0.5 * d, thin), organ]
    aside = side(48, _panicle(k - 2, thin, organ))
    onwards = _panicle(k - 1, thin, organ)
    return [stem(0.75 * d, thin * 1.3), *aside, *onwards]


def _umbel(n: int, thin: float, organ: Module) -> Word:
    """Return stalks of one length from one point."""
    long = organ.value * max(1.1, 0.42 * sqrt(n))
    word = []
    for tilt in 70 * sqrt((np.arange(n) + 0.5) / n):
        word += side(tilt, [stem(long, thin), organ])
    return word


def _along(axis: Axis, n: int, thin: float, organ: Module) -> Word:
    """Return an axis with stalks; under a flat top the lowest are the longest."""
    d = organ.value
    word = []
    for k in range(n, 0, -1):
        long = axis.stalk * d
        if axis.flat_topped:
            long = k * (axis.step * d) + long
        word.append(stem(axis.step * d, thin * 1.5))
        word += side(axis.pitch, [stem(long, thin), organ])
    top = organ._replace(value=d * 0.8)
    return [*word, stem(axis.step * d, thin), top]


def leaves(plant: SimpleNamespace, rng: Generator, size: float = 1.0, degrees: float = 55) -> Word:
    """Return the word of one node: its leaves, and the roll to the next node."""
    node = NODES.get(plant.phyllotaxis, ALTERNATE)
    between = 360 / node.n_leaves if node.n_leaves > 1 else 0
    word = []
    for _ in range(node.n_leaves):
        blade = plant.blade * size * rng.uniform(0.85, 1.1)
        leaf = [stem(0.16 * blade, 0.018), Module("L", blade)]
        word += side(degrees + rng.normal(0, 8), leaf, between)
    return [*word, roll(node.turn)]


def shoot(
    plant: SimpleNamespace,
    rng: Generator,
    n_nodes: int = 5,
    bearing: str = "",
    basal: bool | None = None,
) -> Word:
    """Return the word of a leafy stem that ends in flowers or fruits, or in a young leaf.

    Args:
        bearing: "K" for flowers, "R" for fruits, "" for neither.
        basal: whether all leaves stand in a rosette at the ground; else as the species has it.
    """
    if bearing:
        tip = inflorescence(plant, rng, bearing)
    else:
        young = Module("L", 0.4 * plant.blade)
        tip = [*leaves(plant, rng, 0.5, 25), pitch(10), young]
    if basal is None:
        basal = plant.phyllotaxis == "basal"
    if basal:
        rosette = _rosette(plant, rng, n_nodes + 3)
        stalk = [stem(plant.blade * 0.5, 0.03)] * 2
        return [*rosette, *stalk, *tip] if bearing else rosette
    step = plant.blade * (0.5 if plant.phyllotaxis in NODES else 0.3)
    word = []
    for size in 0.7 + 0.3 * np.arange(n_nodes, 0, -1) / n_nodes:
        word += [stem(step, 0.035), *leaves(plant, rng, size)]
    return word + tip


def _rosette(plant: SimpleNamespace, rng: Generator, n_nodes: int) -> Word:
    word = []
    for _ in range(n_nodes):
        word += [*leaves(plant, rng, degrees=68), stem(0.01, 0.03)]
    return word


def tree(plant: SimpleNamespace, rng: Generator, bearing: str = "") -> Word:
    """Return the word of a tree or shrub.

    Limbs fork and taper; at their ends stand tufts of leaves, flowers or fruits. Tall species keep
    a leader, so that the crown is a cone; in the others all limbs are alike and the crown is round.
    """
    if plant.habit == "shrub":
        word = side(25, [_bud(2.9, 0.05)]) * 5
    else:
        trunk = stem(0.5 + 0.5 * plant.height, 0.14)
        word = [trunk, trunk, _bud(3.4, 0.12)]
    for _ in range(7):  # every bud at once
        grown = []
        for module in word:
            if module.symbol == "A":
                grown += _limb(plant, module.value, module.radius, bearing, rng)
            else:
                grown.append(module)
        word = grown
    return word


def _bud(order: float, radius: float) -> Module:
    """Return a bud; the lower its order, the nearer it is to the end of a limb."""
    return Module("A", order, radius)


def _limb(
    plant: SimpleNamespace, order: float, radius: float, bearing: str, rng: Generator
) -> Word:
    """Return what grows from a bud: a piece of wood and more buds, or a twig with leaves."""
    length = (0.34 + 0.2 * order) * rng.uniform(0.7, 1.3)
    if order < 1:
        twig = [stem(0.25, radius), *_tuft()]
        return [*twig, pitch(20), Module(bearing, 0.3)] if bearing else twig
    has_leader = plant.height > 0.6
    word = [stem(length, radius)]
    n_sides = 3 if has_leader else int(rng.integers(2, 4))
    for _ in range(n_sides):
        word += _side_bud(plant, order, radius, has_leader, rng)
    if order < 2.5:
        word += [PUSH, *_tuft(), POP]
    if has_leader:
        end = _bud(order - 0.6, radius * 0.86)
    else:
        end = _bud(order - 1, radius * 0.7)
    return [*word, pitch(6), end]


def _side_bud(
    plant: SimpleNamespace, order: float, radius: float, has_leader: bool, rng: Generator
) -> Word:
    """Return a bud aside; below a leader it stands off more, and stays behind by some order."""
    spread = 26 + 30 * plant.branching
    degrees = rng.normal(spread + 12 * has_leader, 8)
    order = order - 1 - has_leader * rng.uniform(0, 0.8)
    return side(degrees, [_bud(order, radius * 0.6)])


def _tuft() -> Word:
    """Return the leaves at the end of a twig."""
    word = []
    for k in range(6):
        word += side(35 + 9 * k, [Module("L", 0.34)])
    return word
