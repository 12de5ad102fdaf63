"""Other defences, each by its paper's formula: what ours is measured beside."""
