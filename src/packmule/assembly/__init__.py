"""Builds one archive out of many sources, each byte written once, at its final place."""
