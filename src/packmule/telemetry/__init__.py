"""What is told of the running program: numbers, the fields of log lines, traces."""
