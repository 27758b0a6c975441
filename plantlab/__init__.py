"""plantlab: a small package under the plant-identification notebooks. See README.md, section Architecture."""

__version__ = "0.1.0"
