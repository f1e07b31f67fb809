"""Packmule turns a list of public links into one ZIP archive, in the background."""

__version__ = "0.1.0"
