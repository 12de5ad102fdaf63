"""Where pictures are looked at: one small port, and who implements it."""
