"""What must be known before the first image is screened, and whether it is still true."""
