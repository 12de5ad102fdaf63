"""The demo: a backdoored model, its endpoint, the show."""
