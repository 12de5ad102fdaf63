"""How the gateway runs: the entry points, the workers, and HTTP as they speak it."""
