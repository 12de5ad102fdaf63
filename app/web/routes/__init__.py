"""What the gateway offers on its own account: predictions, triggers, health, metrics."""
