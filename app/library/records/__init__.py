"""How triggers and calibrations are written in Redis, and read back."""
