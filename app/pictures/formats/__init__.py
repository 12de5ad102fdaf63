"""What of a picture file its pixels need, format by format."""
