"""A request, read: its body, bounded and unpacked, and the pictures in it."""
