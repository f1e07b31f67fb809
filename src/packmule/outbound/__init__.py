"""Fetch links that strangers give us, and reach nothing that is not public."""
