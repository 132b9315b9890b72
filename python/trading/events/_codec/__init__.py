"""Descriptions of event classes, and events as columns and JSON."""
