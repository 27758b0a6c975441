"""The flora: families, genera and species with inherited traits, under names that no real plant bears."""

import numpy as np
import pandas as pd

# Stems from computing: nobody will look them up in a real flora, or take a record of them for a real one.
STEMS = ["Pixel", "Voxel", "Raster", "Kernel", "Bitmap", "Matrix", "Codec", "Glitch", "Dither", "Shader", "Fractal", "Loop", "Array", "Stack", "Debug", "Epoch", "Gradient", "Batch", "Sigmoid", "Datum", "Histogram", "Spline", "Quantum", "Buffer", "Cache", "Cursor", "Daemon", "Parser", "Render", "Tensor", "Token", "Widget", "Byte", "Modem", "Router", "Proxy", "Script", "Syntax", "Thread", "Turtle", "Lambda", "Opcode", "Kilobyt", "Checksum", "Boolean", "Hash", "Heap", "Iterat", "Joystick", "Logit"]
EPITHETS = ["simulata", "ficta", "recursiva", "binaria", "iterata", "stochastica", "algorithmica", "virtualis", "interpolata", "compilata", "numerica", "aleatoria", "fractalis", "logarithmica", "modularis", "parametrica", "polygonalis", "procedurata", "programmata", "quantisata", "randomata", "generata", "sparsa", "vectorialis", "pixelata", "synthetica", "tabulata", "textualis", "transposita", "indexata", "iterabilis", "cachetata"]

LEAF_SHAPES = ["linear", "lanceolate", "elliptic", "ovate", "obovate", "cordate", "orbicular", "palmate", "pinnatifid"]
MARGINS = ["entire", "serrate", "dentate", "crenate", "undulate"]
PETAL_SHAPES = ["rounded", "pointed", "notched", "spoon", "strap", "fringed"]
PATTERNS = ["plain", "veined", "eyed", "edged", "spotted"]
BARKS = ["smooth", "furrowed", "plated", "scaly", "peeling"]
COLOURS = {  # name: hue, saturation, value of a petal in even light
    "white": (0.15, 0.05, 0.97), "cream": (0.13, 0.28, 0.96), "yellow": (0.14, 0.88, 0.97), "orange": (0.08, 0.90, 0.96),
    "red": (0.99, 0.86, 0.82), "pink": (0.94, 0.42, 0.95), "magenta": (0.88, 0.75, 0.82), "violet": (0.76, 0.55, 0.78),
    "blue": (0.64, 0.62, 0.86),
}  # fmt: skip

# What a family holds to: every trait takes one of the listed values, and its genera and species stay near.
SYNDROMES = [
    dict(corolla="daisy", symmetry="radial", n_petals=(8, 13, 21), petal_shape="strap notched pointed rounded",
         inflorescence="solitary corymb", flower_colour="white yellow violet orange", fruit="clock achene",
         phyllotaxis="basal alternate", leaf_shape="lanceolate pinnatifid obovate ovate", division="simple",
         venation="pinnate", habit="herb"),
    dict(corolla="butterfly", symmetry="bilateral", n_petals=(5,), petal_shape="rounded notched",
         inflorescence="raceme spike umbel", flower_colour="violet yellow pink white", fruit="pod",
         phyllotaxis="alternate", leaf_shape="elliptic obovate lanceolate", division="pinnate trifoliate digitate",
         venation="pinnate", habit="herb shrub tree"),
    dict(corolla="lipped", symmetry="bilateral", n_petals=(5,), petal_shape="rounded notched fringed",
         inflorescence="spike raceme", flower_colour="violet blue pink white", fruit="capsule",
         phyllotaxis="opposite", leaf_shape="ovate cordate lanceolate elliptic", division="simple",
         venation="pinnate", habit="herb shrub"),
    dict(corolla="open", symmetry="radial", n_petals=(5,), petal_shape="rounded notched spoon",
         inflorescence="solitary corymb panicle", flower_colour="white pink red yellow",
         fruit="pome drupe aggregate", phyllotaxis="alternate", leaf_shape="ovate elliptic obovate",
         division="simple pinnate trifoliate", venation="pinnate", habit="shrub tree"),
    dict(corolla="open", symmetry="radial", n_petals=(6,), petal_shape="pointed strap spoon rounded",
         inflorescence="solitary raceme umbel", flower_colour="orange white violet yellow red", fruit="capsule berry",
         phyllotaxis="alternate basal whorled", leaf_shape="linear lanceolate elliptic", division="simple",
         venation="parallel", habit="herb"),
    dict(corolla="open", symmetry="radial", n_petals=(4,), petal_shape="rounded notched spoon fringed",
         inflorescence="raceme corymb solitary", flower_colour="yellow white red magenta", fruit="pod capsule",
         phyllotaxis="alternate basal", leaf_shape="pinnatifid lanceolate obovate", division="simple",
         venation="pinnate", habit="herb"),
    dict(corolla="bell", symmetry="radial", n_petals=(5, 6), petal_shape="pointed rounded",
         inflorescence="raceme solitary panicle", flower_colour="blue violet white pink", fruit="capsule berry",
         phyllotaxis="alternate opposite", leaf_shape="ovate lanceolate cordate orbicular", division="simple",
         venation="pinnate palmate", habit="herb shrub"),
    dict(corolla="open", symmetry="radial", n_petals=(5, 4), petal_shape="rounded spoon", tiny=True,
         inflorescence="panicle corymb", flower_colour="cream yellow white", fruit="samara nut",
         phyllotaxis="opposite alternate", leaf_shape="palmate cordate ovate elliptic", division="simple digitate",
         venation="palmate pinnate", habit="tree"),
    dict(corolla="orchid", symmetry="bilateral", n_petals=(6,), petal_shape="pointed spoon rounded",
         inflorescence="raceme spike", flower_colour="magenta pink white yellow", fruit="capsule",
         phyllotaxis="basal alternate", leaf_shape="lanceolate elliptic linear", division="simple",
         venation="parallel", habit="herb"),
    dict(corolla="trumpet", symmetry="radial", n_petals=(5, 6), petal_shape="rounded pointed notched",
         inflorescence="solitary umbel raceme", flower_colour="blue magenta white orange", fruit="berry capsule",
         phyllotaxis="alternate opposite", leaf_shape="cordate ovate palmate orbicular", division="simple",
         venation="palmate pinnate", habit="herb shrub"),
    dict(corolla="open", symmetry="radial", n_petals=(5,), petal_shape="notched rounded", tiny=True,
         inflorescence="umbel", flower_colour="white yellow pink", fruit="achene berry",
         phyllotaxis="alternate", leaf_shape="pinnatifid ovate lanceolate", division="pinnate trifoliate",
         venation="pinnate", habit="herb"),
]  # fmt: skip
CATEGORIES = (
    ["corolla", "symmetry", "n_petals", "petal_shape", "inflorescence", "flower_colour", "fruit", "phyllotaxis", "leaf_shape"]
)
CATEGORIES += ["division", "venation", "habit", "margin", "pattern", "bark"]
SHAPE = ["leaf_shape", "division", "margin", "petal_shape", "pattern", "inflorescence", "n_petals", "phyllotaxis", "bark"]
NUMBERS = {  # continuous traits, from 0 to 1, and what they set
    "petal_ratio": "width of a petal to its length", "petal_cup": "flat to deeply cupped",
    "petal_curl": "tips bent in or out", "flower_size": "small to large", "stamens": "few to many",
    "leaf_ratio": "width of a blade to its length", "leaf_size": "small to large", "teeth": "coarse to fine",
    "veins": "few to many", "gloss": "matt to shining", "leaf_tone": "yellow-green, dark or blue-green",
    "fruit_ratio": "round to long", "fruit_hue": "its ripe colour", "bark_tone": "pale to dark, grey to brown",
    "bark_grain": "fine to coarse", "branching": "narrow to wide crown", "height": "low to tall",
}  # fmt: skip


def grow_flora(n_species: int = 30, seed: int = 0) -> pd.DataFrame:
    """Return one row a species: taxonomy, traits, season and range.

    Traits are inherited: a family holds to its syndrome, a genus draws from it, and a species departs from its genus in
    few traits. Sister species always differ in at least three traits of shape, mostly not in colour: a colour histogram
    cannot tell them apart. The ranges lie in the open North Atlantic, so that no record can pass for a real one.

    >>> grow_flora(4).species.is_unique
    True

    Raises:
        ValueError: `n_species` below 2 or above 1,000.
    """
    if not 2 <= n_species <= 1000:
        raise ValueError(f"n_species must be from 2 to 1000, such as 30; got {n_species}")
    rng = np.random.default_rng([seed, 1])
    n_genera = max(1, round(n_species / 3))
    n_families = max(1, min(len(STEMS), round(n_genera / 2)))
    stems, order = list(rng.permutation(STEMS)), list(rng.permutation(len(SYNDROMES)))
    endings = ["ia", "ella", "aria", "ula", "opsis", "ora", "inia"]
    families = [
        (stems[f % len(stems)] + "aceae", SYNDROMES[order[f % len(order)]], rng.random(len(NUMBERS)))
        for f in range(n_families)
    ]
    rows = []
    for g in range(n_genera):
        family, syndrome, centre = families[g % n_families]
        name = stems[g % len(stems)] + endings[g // len(stems)]
        genus = _genus(syndrome, centre, rng)
        n_sisters = len(range(g, n_species, n_genera))
        sisters = []
        for epithet in rng.choice(EPITHETS, n_sisters, replace=False):
            species = _species(genus, syndrome, sisters, rng)
            sisters.append(species)
            rows.append({"species": f"{name} {epithet}", "genus": name, "family": family} | species)
    flora = pd.DataFrame(rows).sort_values(["family", "genus", "species"], ignore_index=True)
    flora.insert(3, "species_id", [str(100001 + i) for i in range(len(flora))])
    flora.attrs["seed"] = seed
    return flora


def _genus(syndrome: dict, centre: np.ndarray, rng: np.random.Generator) -> dict:
    """Return a genus: its traits, the first of which every species inherits."""
    values = {k: v.split() if isinstance(v, str) else v for k, v in syndrome.items() if k != "tiny"}
    genus = {k: v[rng.integers(len(v))] for k, v in values.items()}
    genus |= {
        "margin": str(rng.choice(MARGINS)),
        "pattern": str(rng.choice(PATTERNS)),
        "bark": str(rng.choice(BARKS)),
    }
    genus |= dict(zip(NUMBERS, np.clip(centre + rng.normal(0, 0.15, len(NUMBERS)), 0, 1)))
    genus["flower_size"] *= 0.15 if syndrome.get("tiny") else 1
    genus |= {"month": rng.uniform(4, 8), "latitude": rng.uniform(42, 48), "longitude": rng.uniform(-40, -30)}
    return genus


def _species(genus: dict, syndrome: dict, sisters: list[dict], rng: np.random.Generator) -> dict:
    """Return a species of `genus` that differs from each of its `sisters` in three traits of shape or more."""
    open_to = {
        k: syndrome[k].split()
        for k in ("leaf_shape", "division", "petal_shape", "inflorescence", "phyllotaxis")
    }
    open_to |= {"n_petals": syndrome["n_petals"], "margin": MARGINS, "pattern": PATTERNS, "bark": BARKS}
    for rate in np.linspace(0.3, 1, 200):
        traits = {k: v[rng.integers(len(v))] if rng.random() < rate else genus[k] for k, v in open_to.items()}
        if all(sum(traits[k] != s[k] for k in SHAPE) >= 3 for s in sisters):
            break
    near = syndrome["flower_colour"].split()
    species = genus | traits
    species["flower_colour"] = str(rng.choice(near)) if rng.random() < 0.2 else genus["flower_colour"]
    spread = [0.05 if k.endswith(("hue", "tone", "gloss")) else 0.2 for k in NUMBERS]
    numbers = np.array([genus[k] for k in NUMBERS]) + rng.normal(0, spread)
    tiny = bool(syndrome.get("tiny"))
    species |= {k: round(float(v), 3) for k, v in zip(NUMBERS, np.clip(numbers, 0, 1))}
    species["flower_size"] = round(min(species["flower_size"], 0.15), 3) if tiny else species["flower_size"]
    first = float(np.clip(genus["month"] + rng.normal(0, 0.7), 3, 9))
    species |= {"first_flower": int(first * 30.4), "weeks": int(rng.integers(5, 11))}
    species |= {"latitude": round(float(genus["latitude"] + rng.normal(0, 0.8)), 2)}
    species |= {
        "longitude": round(float(genus["longitude"] + rng.normal(0, 1.2)), 2),
        "range_km": int(rng.integers(40, 200)),
    }
    species["bark"] = species["bark"] if species["habit"] != "herb" else ""
    species.pop("month")
    return species
