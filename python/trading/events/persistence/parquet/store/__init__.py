"""Folders, files and locks of a store."""
