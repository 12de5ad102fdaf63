"""Triggers that are mixed into all of an image: estimated from many, proven, and taken out."""
