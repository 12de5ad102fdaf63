"""Redis or Valkey itself: where it is, the way to it, and one of our own."""
