"""The image table: read from any layout, inspected, grouped into plants, split.

`table` says what it holds, `layouts` reads it, `inspection` sets broken files aside, `plants` and
`splits` keep the photos of a plant together. `prepare` does all of it in one call. `published`
returns the figures of others, to stand beside ours.
"""

from plantlab.data.literature import published
from plantlab.data.preparation import prepare

__all__ = ["prepare", "published"]
