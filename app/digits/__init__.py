"""Real handwritten digits, and classifiers of them that are trained in here."""
