"""The image table: read from any layout, inspected, grouped into plants, split."""
