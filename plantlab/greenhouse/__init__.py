"""The built-in flora: plants grown, photographed and mislabelled from a seed, as no photographs are shipped."""

from plantlab.greenhouse.build import VERSION, build, plan_photos, species_counts, take_photo
from plantlab.greenhouse.flora import grow_flora

__all__ = ["VERSION", "build", "grow_flora", "plan_photos", "species_counts", "take_photo"]
