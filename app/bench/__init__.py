"""What the gateway costs in front of a user's own model."""
