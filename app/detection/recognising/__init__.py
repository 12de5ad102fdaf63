"""Known triggers: in an image, and on references."""
