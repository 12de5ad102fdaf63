"""Is it a trigger? What is weighed against what nature does."""
