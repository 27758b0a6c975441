"""The flora as a botanist's table: a row a species, a column a character, in words."""

import pandas as pd

CHARACTERS = {  # traits of the flora that a person sees on a plant, without measuring instruments
    "habit": "habit",
    "corolla": "form of the flower",
    "symmetry": "symmetry of the flower",
    "flower_colour": "colour of the petals",
    "n_petals": "number of petals",
    "petal_shape": "shape of the petals",
    "pattern": "pattern of the petals",
    "flower_size": "size of the flower",
    "inflorescence": "inflorescence",
    "first_flower": "day of the first flower",
    "fruit": "fruit",
    "fruit_ratio": "breadth of the fruit",
    "phyllotaxis": "position of the leaves",
    "leaf_shape": "outline of the leaf",
    "division": "division of the leaf",
    "margin": "margin of the leaf",
    "venation": "veins of the leaf",
    "leaf_ratio": "breadth of the leaf",
    "leaf_size": "size of the leaf",
    "teeth": "number of teeth",
    "bark": "bark",
}
NO_BARK = "none"  # of a herb


def characters(flora: pd.DataFrame) -> pd.DataFrame:
    """Return the characters of each species of a flora, under names that can be read out.

    Some are words, some numbers: measures from 0, the smallest there is, to 1, the largest; the
    number of petals; and the day of the year on which flowering begins.

    >>> from plantlab.greenhouse import grow_flora
    >>> characters(grow_flora(4)).shape
    (4, 21)

    Args:
        flora: of grow_flora, or flora.csv of a built one.
    """
    table = flora.set_index("species")[list(CHARACTERS)]
    bark = table["bark"].fillna("")
    table["bark"] = bark.where(bark != "", NO_BARK)
    return table.rename(columns=CHARACTERS)
