"""What buses are made of on the Python side."""
