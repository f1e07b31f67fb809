"""Wiring: builds and joins all parts; the only layer that names a backend."""
