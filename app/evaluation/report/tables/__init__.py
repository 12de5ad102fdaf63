"""The paper's tables, from the figures, and how numbers are written in them."""
