"""Jobs: what they are, and the store that remembers them durably."""
