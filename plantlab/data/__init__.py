"""The image table: read from any layout, inspected, grouped into plants, split.

`table` says what it holds, `layouts` reads it, `inspection` sets broken files aside, `plants` and
`splits` keep the photos of a plant together. `prepare` does all of it in one call.
"""

from plantlab.data.preparation import prepare

__all__ = ["prepare"]
