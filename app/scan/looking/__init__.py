"""Looking at pictures: decoding, comparing, screening; the same in every process."""
