"""One request from its start to its end, in terms of the ports."""
