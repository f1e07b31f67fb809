"""The worker: runs the engine's tasks in a process of its own, and shows that it is alive."""
