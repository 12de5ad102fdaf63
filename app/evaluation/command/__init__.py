"""The command `neo-gateway evaluate`."""
