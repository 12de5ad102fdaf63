"""From pixels and callers' tensors to the model's input."""
