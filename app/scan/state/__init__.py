"""What a scan has done so far, in one SQLite file: it can end at any moment, and goes on."""
