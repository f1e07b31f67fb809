"""Outbound: fetching strangers' links, and nothing that is not public."""
