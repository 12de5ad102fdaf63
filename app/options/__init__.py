"""What commands have in common on their command lines."""
