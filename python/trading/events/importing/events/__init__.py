"""Rows as events."""
