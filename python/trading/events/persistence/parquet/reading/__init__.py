"""Finding, merging and reading the files and the unsealed rows of a store."""
