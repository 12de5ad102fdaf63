"""How much may be asked of the model, on whose account, and who waits."""
