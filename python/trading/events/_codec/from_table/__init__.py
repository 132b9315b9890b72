"""Events out of any table that has their fields as columns."""
