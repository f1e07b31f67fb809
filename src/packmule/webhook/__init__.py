"""Webhooks: messages about ended jobs, signed, and handed over until they are received."""
