"""Drop-in: the gateway as the model server that its clients know."""
