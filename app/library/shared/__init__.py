"""What all workers share through Redis."""
