"""Ways to store a body: one file for each."""
