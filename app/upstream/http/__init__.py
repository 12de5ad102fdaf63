"""HTTP to the model server: connections, waits, the circuit breaker."""
