"""Many stored images at once: which of them may carry a known trigger, by their pixels alone."""
