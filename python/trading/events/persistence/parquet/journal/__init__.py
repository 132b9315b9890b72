"""The journal: recorded events that are not in a file yet."""
