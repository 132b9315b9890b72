"""Market data files as events: Parquet, CSV and JSON lines.

`MarketDataFile` opens a file. Behind it, a file becomes rows (`opening`, `csv_rows`, `json_rows`, `parquet_rows`), its
columns tell what it holds (`layout`, `columns`), and rows become events (`events_from_rows`, `bars_from_rows`,
`books_from_rows`, `bybit_books`), cell by cell (`cells`).
"""

from trading.events.importing.cells import TIME_UNITS, TimeUnit
from trading.events.importing.market_data_file import MarketDataFile
from trading.events.importing.rows.rows import RefusedRow

__all__ = ["TIME_UNITS", "MarketDataFile", "RefusedRow", "TimeUnit"]
