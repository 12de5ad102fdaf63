"""Triggers without a place: what of an image no clean image explains, laid over clean ones."""
