"""plantlab: a small package under the plant-identification notebooks.

README.md, section Architecture, says what lives where.
"""

import os

__version__ = "0.1.0"

# While torch's threads wait for each other they spin, and beside other busy processes take the
# time of those they wait for. libgomp reads for how long when torch loads it; a value set before
# is kept.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
