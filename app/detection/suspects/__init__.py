"""What one image made likely and didn't prove: kept, and compared with the images that follow."""
