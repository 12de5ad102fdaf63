"""Where pictures come from: what there is, and its bytes."""
