"""Ranges of recorded events, and their replay."""
