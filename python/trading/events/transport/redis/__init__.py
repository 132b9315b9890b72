"""Transports over a Redis or Valkey server."""
