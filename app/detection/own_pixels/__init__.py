"""A known trigger's own pixels, out of several images that carried it."""
