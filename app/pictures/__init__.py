"""Image files to arrays and back: decoding, reference sets, drawing."""
