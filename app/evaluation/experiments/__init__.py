"""The paper's experiments, from what was recorded: RQ1 to RQ4."""
