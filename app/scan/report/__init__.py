"""What a scan leaves: rows, a summary, a page."""
