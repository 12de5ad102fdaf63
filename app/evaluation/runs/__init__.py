"""One strategy on one stream of images, and what is recorded of it."""
