"""Storage: where an archive is assembled, and where it is kept once it is whole."""
