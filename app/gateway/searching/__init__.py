"""The search that an image gets: which one, driven to its end, before the answer or behind it."""
