"""Finding a new trigger: which parts of an image carry its label over, and what exactly does."""
