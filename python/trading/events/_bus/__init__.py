"""Parts of the buses on the Python side."""
