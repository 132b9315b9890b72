"""The common part of writers whose stores take events in batches: a bounded queue, and a thread that sends them."""
