"""Sending an archive to storage in parts while it is assembled."""
