"""What is evaluated: a model, images for it, the attack in it."""
