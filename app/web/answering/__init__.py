"""What a caller is told: answers, problems, pictures."""
