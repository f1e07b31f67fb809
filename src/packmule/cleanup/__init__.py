"""Clean-up: what has had its time is let go."""
