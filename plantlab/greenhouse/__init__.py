"""The built-in flora, as no photographs are shipped: plants grown from a seed, then photographed.

From seed to file: flora (species), plan (who photographs what), individual and growth (a plant),
leaves, flowers and fruits (its organs), scenes and camera (the photo), build (the folder). Beside
it: quadrats and field (vegetation plots), health, seedlings and close_ups (leaves that are ill, and
young plants), characters (the flora as a table for a key).
"""

from plantlab.greenhouse.build import VERSION, Parameters, build, take_photo
from plantlab.greenhouse.characters import characters
from plantlab.greenhouse.close_ups import build_leaves, build_seedlings
from plantlab.greenhouse.field import build_plots, standing_in
from plantlab.greenhouse.flora import grow_flora
from plantlab.greenhouse.plan import plan_photos, species_counts

__all__ = [
    "VERSION",
    "Parameters",
    "build",
    "build_leaves",
    "build_plots",
    "build_seedlings",
    "characters",
    "grow_flora",
    "plan_photos",
    "species_counts",
    "standing_in",
    "take_photo",
]
