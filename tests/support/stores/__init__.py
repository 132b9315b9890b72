"""Servers of stores, as processes on loopback, and what they hold."""
