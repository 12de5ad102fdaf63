"""The command `neo-gateway scan`."""
