"""From what a server says to one answer for each image."""
