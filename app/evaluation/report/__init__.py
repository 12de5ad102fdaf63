"""What people and programs get to read of an evaluation: tables, a JSON document, a page."""
