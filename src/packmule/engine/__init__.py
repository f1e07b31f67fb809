"""The engine: durable tasks, deferred in the caller's transaction and run by workers."""
