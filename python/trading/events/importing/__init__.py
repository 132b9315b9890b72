"""Market data files as events: Parquet, CSV and JSON lines.

`MarketDataFile` opens a file, and `FileImport` records it in a store, once. Behind them, a file becomes rows
(`opening`, `csv_rows`, `json_rows`, `parquet_rows`), its columns tell what it holds (`layout`, `columns`), and rows
become events (`events`, `bars`, `books`, `bybit_books`), cell by cell (`cells`).
"""

from trading.events.importing.cells import TIME_UNITS, TimeUnit
from trading.events.importing.file_import import FileImport
from trading.events.importing.market_data_file import MarketDataFile
from trading.events.importing.rows.rows import RefusedRow

__all__ = ["TIME_UNITS", "FileImport", "MarketDataFile", "RefusedRow", "TimeUnit"]
