"""What the protocols differ in: one dialect each."""
