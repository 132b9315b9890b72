"""What every store promises. A store is in `tests/support/stores/kinds.py`, and then passes everything here."""
