"""The flora: families, genera and species with inherited traits, under names that no real plant bears."""

from pathlib import Path

import numpy as np
import pandas as pd

# From computing, not from botany: nobody will take a record of "Pixelia simulata" for one of a real plant.
STEMS = """Pixel Voxel Raster Kernel Bitmap Matrix Codec Glitch Dither Shader Fractal Loop Array Stack Debug Epoch
    Gradient Batch Sigmoid Datum Histogram Spline Quantum Buffer Cache Cursor Daemon Parser Render Tensor Token Widget
    Byte Modem Router Proxy Script Syntax Thread Turtle Lambda Opcode Kilobyt Checksum Boolean Hash Heap Iterat Joystick
    Logit"""
EPITHETS = """simulata ficta recursiva binaria iterata stochastica algorithmica virtualis interpolata compilata numerica
    aleatoria fractalis logarithmica modularis parametrica polygonalis procedurata programmata quantisata randomata
    generata sparsa vectorialis pixelata synthetica tabulata textualis transposita indexata iterabilis cachetata"""
# What each kind of family holds to, the possible values of a trait parted by spaces; a genus takes one of them.
FAMILIES = pd.read_csv(Path(__file__).with_name("families.csv"), dtype=str)
FREE = {  # traits that no family holds to
    "margin": "entire serrate dentate crenate undulate".split(),
    "pattern": "plain veined eyed edged spotted".split(),
    "bark": "smooth furrowed plated scaly peeling".split(),
}
CATEGORIES = [*FAMILIES.columns[:-1], *FREE]
SHAPE = (
    "leaf_shape division margin petal_shape pattern inflorescence n_petals phyllotaxis bark".split()
)
NUMBERS = """petal_ratio petal_cup petal_curl flower_size stamens leaf_ratio leaf_size teeth veins gloss leaf_tone
    fruit_ratio fruit_hue bark_tone bark_grain branching height""".split()  # each from 0 to 1
COLOURS = {  # hue, saturation and value of a petal in even light
    "white": (0.15, 0.05, 0.97), "cream": (0.13, 0.28, 0.96), "yellow": (0.14, 0.88, 0.97),
    "orange": (0.08, 0.9, 0.96), "red": (0.99, 0.86, 0.82), "pink": (0.94, 0.42, 0.95),
    "magenta": (0.88, 0.75, 0.82), "violet": (0.76, 0.55, 0.78), "blue": (0.64, 0.62, 0.86),
}  # fmt: skip


def grow_flora(n_species: int = 30, seed: int = 0) -> pd.DataFrame:
    """Return one row a species: taxonomy, traits, season (`first_flower`, day of year; `weeks`) and range.

    Traits are inherited: a family holds to its syndrome, a genus draws from it, a species departs from its genus in a
    few. Sister species differ in three traits of shape or more, but mostly share their colours, so that a colour
    histogram cannot tell them apart. Ranges lie in the open North Atlantic: no record can pass for a real one.

    >>> grow_flora(4)[["corolla", "genus", "species_id"]].nunique().tolist()
    [1, 1, 4]

    Raises:
        ValueError: `n_species` below 2 or above 1,000.
    """
    if not 2 <= n_species <= 1000:
        raise ValueError(f"n_species must be from 2 to 1000, such as 30; got {n_species}")
    rng = np.random.default_rng([seed, 1])
    n_genera = max(1, n_species // 3)
    n_families = min(50, max(1, round(0.7 * n_genera)))
    stems, syndromes = rng.permutation(STEMS.split()), rng.permutation(len(FAMILIES))
    centres, rows = rng.random((n_families, len(NUMBERS))), []
    for g in range(n_genera):
        f = g % n_families
        values = FAMILIES.iloc[syndromes[f % len(syndromes)]].str.split().to_dict() | FREE
        tiny = values.pop("flower_size") == ["tiny"]
        genus = {k: v[rng.integers(len(v))] for k, v in values.items()}
        numbers = np.clip(centres[f] + rng.normal(0, 0.15, len(NUMBERS)), 0, 1)
        name = stems[g % 50] + ["ia", "ella", "aria", "ula", "ora", "inia", "issa"][g // 50]
        month, place, sisters = rng.uniform(4, 8), rng.uniform([42, -40], [48, -30]), []
        for epithet in rng.choice(
            EPITHETS.split(), len(range(g, n_species, n_genera)), replace=False
        ):
            traits = _depart(genus, values, sisters, rng)
            sisters.append(traits)
            spread = [0.05 if k.endswith(("hue", "tone", "gloss")) else 0.2 for k in NUMBERS]
            own = dict(
                zip(NUMBERS, np.clip(numbers + rng.normal(0, spread), 0, 1).round(3).tolist())
            )
            own["flower_size"] = round(own["flower_size"] * (0.15 if tiny else 1), 3)
            latitude, longitude = (place + rng.normal(0, [0.8, 1.2])).round(2).tolist()
            row = (
                {"species": f"{name} {epithet}", "genus": name, "family": stems[f] + "aceae"}
                | traits
                | own
            )
            row["n_petals"], row["bark"] = (
                int(row["n_petals"]),
                "" if row["habit"] == "herb" else row["bark"],
            )
            row["first_flower"] = int(30.4 * np.clip(month + rng.normal(0, 0.7), 3, 9))
            row |= {"weeks": int(rng.integers(5, 11)), "latitude": latitude, "longitude": longitude}
            rows.append(row | {"range_km": int(rng.integers(40, 200))})
    flora = pd.DataFrame(rows).sort_values(["family", "genus", "species"], ignore_index=True)
    flora.insert(3, "species_id", [str(100001 + i) for i in range(n_species)])
    flora.attrs["seed"] = seed
    return flora


def _depart(genus: dict, values: dict, sisters: list[dict], rng: np.random.Generator) -> dict:
    """Return the traits of a species of `genus`, apart from those of each of its `sisters`."""
    for rate in np.linspace(0.3, 1, 200):
        anew = {
            k: v[rng.integers(len(v))]
            for k, v in values.items()
            if k in SHAPE and rng.random() < rate
        }
        traits = genus | anew
        seen = [k for k in SHAPE if k != "bark" or genus["habit"] != "herb"]
        if all(sum(traits[k] != s[k] for k in seen) >= 3 for s in sisters):
            break
    if rng.random() < 0.2:
        traits["flower_colour"] = str(rng.choice(values["flower_colour"]))
    return traits
