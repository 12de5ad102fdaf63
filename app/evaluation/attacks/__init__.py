"""What an attacker does: to an image, and to what a model is trained on."""
