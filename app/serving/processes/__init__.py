"""The processes: a supervisor, its workers, how they come and go."""
