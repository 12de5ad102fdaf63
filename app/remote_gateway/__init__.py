"""A gateway that runs somewhere, as its clients see it."""
