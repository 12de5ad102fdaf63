"""The field's table: attacks of the literature, its defences and ours, on the same streams."""
