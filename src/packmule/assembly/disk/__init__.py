"""Blocks of memory, and the file they are written to."""
