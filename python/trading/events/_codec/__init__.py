"""What an event class holds, and events as columns and JSON."""
