"""Known triggers: in an image, on references, and their own pixels."""
