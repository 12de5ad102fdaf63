"""The classifier behind HTTP: one file a protocol, wire formats as pure functions."""
