"""The event backbone of a trading system."""
