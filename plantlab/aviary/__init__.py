"""Invented birds that sing, as no recordings are shipped: **synthetic songs**, grown from a seed.

From seed to file: birds (species), song (what one sings), places (what else is heard), build.
"""

from plantlab.aviary.birds import hatch
from plantlab.aviary.build import VERSION, Parameters, build

__all__ = ["VERSION", "Parameters", "build", "hatch"]
