"""The clocks that `trading.events.clock` offers."""
