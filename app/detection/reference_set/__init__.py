"""What is known beforehand: clean images, calibrated, and whether the model is the same."""
