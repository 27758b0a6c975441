"""The built-in flora, as no photographs are shipped: plants grown from a seed, then photographed.

From seed to file: flora (species), plan (who photographs what), individual and growth (a plant),
leaves, flowers and fruits (its organs), scenes and camera (the photo), build (the folder).
"""

from plantlab.greenhouse.build import VERSION, Parameters, build, take_photo
from plantlab.greenhouse.field import build_plots, standing_in
from plantlab.greenhouse.flora import grow_flora
from plantlab.greenhouse.plan import plan_photos, species_counts

__all__ = [
    "VERSION",
    "Parameters",
    "build",
    "build_plots",
    "grow_flora",
    "plan_photos",
    "species_counts",
    "standing_in",
    "take_photo",
]
