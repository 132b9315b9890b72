"""The journal: what was recorded and is not in a file yet."""
