"""Packmule turns a list of public links into one ZIP archive, in the background."""

__version__ = "1.0.0"
