"""What every store promises. A store is in `stores.py`, and then passes everything here."""
