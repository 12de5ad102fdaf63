"""Who may ask, for how long, and what browsers are told."""
