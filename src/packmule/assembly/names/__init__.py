"""What each entry is called, and what its type announces."""
