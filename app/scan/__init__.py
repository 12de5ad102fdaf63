"""Offline screening: which of the images that have come in already carry a trigger."""
