"""Leaves: blades with veins and teeth, alone or as leaflets."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from numpy import cos, exp, ndarray, pi, sin
from numpy.random import Generator

from plantlab.greenhouse.colours import cloud, lit, mix
from plantlab.greenhouse.shapes import (
    NOT_TURNED,
    Outline,
    axes,
    bend,
    cylinder,
    gielis,
    grid,
    place,
    revolve,
    surface,
)

SLENDER = {  # blades along a midrib; those that are not here are broad, and veined from the stalk
    "linear": Outline(0.25, 0.5, width=0.09),
    "lanceolate": Outline(0.6, 0.9, width=0.2),
    "elliptic": Outline(0.75, 0.75, width=0.36),
    "ovate": Outline(0.5, 1.1, width=0.5),
    "obovate": Outline(1.1, 0.5, width=0.42),
    "pinnatifid": Outline(0.7, 0.6, width=0.5),
}
PALE_VEIN = np.float32([0.38, 0.42, 0.22])
YELLOWER = np.float32([1.15, 1.1, 0.8])
DEAD = np.float32([0.42, 0.27, 0.12])


class Blade(NamedTuple):
    """The outline of a blade, as a grid of points in the plane."""

    u: ndarray  # (n, 1) from 0 to 1: along a slender blade, from the stalk to the rim of a broad
    v: ndarray  # (1, m) from -1 to 1: across a slender blade, around a broad one
    x: ndarray  # (n, m)
    y: ndarray
    rim: ndarray  # 0 on the midrib or stalk, 1 on the rim


def whole_leaf(plant: SimpleNamespace, n: int, rng: Generator, curl: float, flat: bool) -> ndarray:
    """Return a whole leaf: one blade, or leaflets along a rachis or about its tip."""
    if plant.division == "simple":
        return blade(plant, n, rng, curl, flat)
    arrange = _pinnate if plant.division == "pinnate" else _digitate
    along, headings, sizes = arrange(plant)
    origins = np.outer(along, [0, 1, 0])
    n_points = max(8, int(n * sizes[-1]))
    leaflet = blade(plant, n_points, rng, curl, flat)
    colour = plant.leaf_rgb * 0.9
    rachis = revolve(cylinder(0.012), max(8, n), colour)
    rachis = place(rachis, NOT_TURNED, 0, along.max())
    tints = rng.uniform(0.88, 1.1, len(along))
    upwards = rng.normal(0, 0.1, headings.shape) + [0, 0, 1]
    frames = axes(headings, upwards)
    leaflets = place(leaflet, frames, origins, sizes, tints)
    return np.concatenate([leaflets, rachis])


def _pinnate(plant: SimpleNamespace) -> tuple[ndarray, ndarray, ndarray]:
    """Return where along the rachis leaflets stand, where they point, and their sizes."""
    n_pairs = 3 + int(plant.veins * 3)
    pairs = np.repeat(np.linspace(0.25, 0.88, n_pairs), 2)
    along = np.append(pairs, 0.92)
    left = [-1, 0.55, 0.1]
    right = [1, 0.55, 0.1]
    tip = [0, 1, 0]
    headings = np.array([left, right] * n_pairs + [tip])
    sizes = np.append(np.full(2 * n_pairs, 0.34), 0.36)
    return along, headings, sizes


def _digitate(plant: SimpleNamespace) -> tuple[ndarray, ndarray, ndarray]:
    """Return the same of leaflets that spread like fingers; a trifoliate leaf has three."""
    if plant.division == "trifoliate":
        n_leaflets = 3
        spread = 75  # degrees to either side
    else:
        n_leaflets = 5 + 2 * int(plant.veins * 2)
        spread = 105
    angle = np.radians(np.linspace(-spread, spread, n_leaflets))
    raised = np.full(n_leaflets, 0.08)
    headings = np.stack([sin(angle), cos(angle), raised], -1)
    sizes = 0.6 - 0.1 * np.abs(angle)
    return np.full(n_leaflets, 0.38), headings, sizes


def blade(
    plant: SimpleNamespace, n: int, rng: Generator, curl: float = 0.5, flat: bool = False
) -> ndarray:
    """Return the mesh of one blade with its veins; `flat` is as pressed."""
    broad = plant.leaf_shape not in SLENDER
    outline = _broad(plant, n) if broad else _slender(plant, n)
    veins = _broad_veins(plant, outline) if broad else _slender_veins(plant, outline)
    height = _relief(plant, outline, veins, rng, flat)
    colours = _colours(plant, outline, veins, rng)
    ailment = getattr(plant, "ailment", None)  # of `health`, which has a seed of its own
    if ailment is not None:
        height, colours = ailment.lie_on(outline, veins, height, colours)
    if flat:
        points = bend(outline.x, outline.y, height * 0.1, 0.02)
    else:
        points = bend(outline.x, outline.y, height, curl)
    return surface(points, colours, shine=0.1 + 0.5 * plant.gloss, thin=0.55)


def _relief(
    plant: SimpleNamespace, outline: Blade, veins: ndarray, rng: Generator, flat: bool
) -> ndarray:
    """Return the height of a blade: folded along the midrib, dented by its veins, uneven."""
    fold = 0.3 + 0.7 * rng.random()
    height = 0.35 * np.abs(outline.x) * fold - 0.012 * veins
    if plant.margin == "undulate":
        waves = sin(outline.y * 18 + np.sign(outline.x))
        height = height + 0.05 * outline.rim**2 * waves
    uneven = cloud(rng, height.shape, 3, 2) - 0.5
    return height + (0 if flat else 0.12) * uneven


def _colours(plant: SimpleNamespace, outline: Blade, veins: ndarray, rng: Generator) -> ndarray:
    """Return the colours of a blade: paler veins, a yellower rim, dead spots."""
    shape = veins.shape
    green = lit(plant.leaf_rgb, 0.86 + 0.28 * cloud(rng, shape, 3))
    green = mix(green, green * 0.5 + PALE_VEIN, 0.75 * veins)
    green = mix(green, green * YELLOWER, outline.rim**3)
    spots = cloud(rng, shape, 7, 2) - 1.02 + 0.25 * plant.blemish
    return mix(green, DEAD, spots * 14)


def _teeth(margin: str, f: ndarray) -> ndarray:
    """Return the height of the margin, from -1 to 0, at `f` (0 to 1) over one tooth."""
    if margin == "serrate":
        return f - 1
    if margin == "dentate":
        return -np.abs(2 * f - 1)
    if margin == "crenate":
        return np.abs(sin(pi * f)) ** 0.6 - 1
    return 0 * f


def _n_teeth(plant: SimpleNamespace) -> int:
    return int(8 + 22 * plant.teeth)


def _depth_of_teeth(plant: SimpleNamespace) -> float:
    """Return how deep they are cut; many are small."""
    return 0.16 - 0.09 * plant.teeth


def _relative_width(plant: SimpleNamespace) -> float:
    return 0.65 + 0.7 * plant.leaf_ratio


def _slender(plant: SimpleNamespace, n: int) -> Blade:
    """Return a blade whose outline follows the midrib."""
    outline = SLENDER[plant.leaf_shape]
    wide = _relative_width(plant)
    n_across = int(n * (outline.width * 2.2 * wide))
    u, v = grid(n, max(9, n_across))
    width = outline.half_width(u) * outline.width * wide
    if plant.leaf_shape == "pinnatifid":
        n_lobes = 3.5 + 3 * plant.veins
        lobes = np.abs(cos(pi * (u * n_lobes + 0.15)))
        width = width * (0.3 + 0.7 * lobes**0.8)
    teeth = _teeth(plant.margin, u * _n_teeth(plant) % 1)
    at_rim = np.abs(v) > 0.4
    notched = 1 + _depth_of_teeth(plant) * teeth * at_rim
    x = v * (width * notched + 0.012)
    y = u - 0.1 * np.abs(x)
    rim = np.abs(v) + 0 * u
    return Blade(u, v, x, y, rim)


def _broad(plant: SimpleNamespace, n: int) -> Blade:
    """Return a blade around its stalk, by the superformula; u runs outwards, v around."""
    u, v = grid(n, max(9, int(n * 2.6)))
    phi = v * pi * 0.985
    radius = _palmate_radius if plant.leaf_shape == "palmate" else _round_radius
    from_stalk = pi - np.abs(phi)
    notch_at_stalk = exp(-((from_stalk / 0.3) ** 2))
    r = radius(plant, phi) * (1 - 0.75 * notch_at_stalk)
    position = np.abs(phi) / pi * _n_teeth(plant) * 0.8
    teeth = _teeth(plant.margin, position % 1)
    rho = 0.72 * u * r * (1 + _depth_of_teeth(plant) * 0.6 * teeth)
    x = rho * sin(phi)
    y = rho * cos(phi)
    return Blade(u, v, x, y, rim=u + 0 * v)


def _palmate_radius(plant: SimpleNamespace, phi: ndarray) -> ndarray:
    """Return the radius of a blade with lobes like a hand; those near the stalk are shorter."""
    lobes = 5 if plant.veins < 0.5 else 7
    r = gielis(phi, lobes, 0.45 + 0.5 * plant.leaf_ratio, 1, 1)
    return r * (1 - 0.4 * (phi / pi) ** 2)


def _round_radius(plant: SimpleNamespace, phi: ndarray) -> ndarray:
    """Return the radius of a round blade, or of one like a heart."""
    if plant.leaf_shape == "cordate":
        power = 0.55
        tip = 0.3
    else:
        power = 2.5
        tip = 0
    away = np.abs(phi)
    pointed = 1 + tip * exp(-away / 0.22)
    r = gielis(phi, 1, power, 1, 1) * pointed
    return r * (0.8 + 0.35 * plant.leaf_ratio * sin(away))


def _lines(position: ndarray, width: float) -> ndarray:
    """Return lines, 1 in their middle, at every whole position."""
    distance = np.minimum(position % 1, 1 - position % 1)
    return exp(-((distance / width) ** 2))


def _n_side_veins(plant: SimpleNamespace) -> float:
    return 5 + 9 * plant.veins


def _slender_veins(plant: SimpleNamespace, outline: Blade) -> ndarray:
    """Return how much each point is vein, 0 to 1: a midrib, with side veins or parallel ones."""
    u, v, x, y, _ = outline
    thick = 0.008 + 0.012 * (1 - u)
    midrib = exp(-((x / thick) ** 2))
    if plant.venation == "parallel":
        n_veins = 2.5 + 2.5 * plant.veins
        return np.maximum(midrib, 0.5 * _lines(v * n_veins, 0.13))
    slope = 0.9 + 0.4 * plant.veins
    slanted = y - np.abs(x) * slope + 0.5 * x**2
    side = 0.65 * _lines(slanted * _n_side_veins(plant), 0.1)
    return np.maximum(midrib, side * (1 - 0.5 * np.abs(v)))


def _broad_veins(plant: SimpleNamespace, outline: Blade) -> ndarray:
    """Return how much each point is vein, 0 to 1: rays from the stalk, and side veins of theirs."""
    u = outline.u
    rays = 7 if plant.venation == "palmate" else 9
    position = np.abs(outline.v) * 0.4925 * rays
    off = np.abs(position - np.round(position))
    main = exp(-((off * u / 0.045) ** 2))
    slanted = u * _n_side_veins(plant) - off * 2.5
    side = 0.45 * _lines(slanted, 0.11)
    return np.maximum(main, side * (u > 0.1))
