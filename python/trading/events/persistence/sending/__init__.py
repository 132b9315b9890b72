"""What writers share whose stores take events in batches: a bounded queue, and a thread that hands them over."""
