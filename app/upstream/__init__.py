"""The classifier behind HTTP: its images are batched and asked, in the dialect of its server."""
