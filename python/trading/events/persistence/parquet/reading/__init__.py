"""Finding, merging and reading what a store holds."""
