"""The interpreter's end while threads are in the native module: it never aborts."""
