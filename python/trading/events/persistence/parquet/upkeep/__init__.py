"""Compaction, retention and verification."""
