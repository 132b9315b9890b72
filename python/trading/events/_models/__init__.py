"""What event classes are made of, apart from the classes themselves."""
