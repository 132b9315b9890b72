"""Small files to import."""

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trading.events.base import BaseEvent
from trading.events.importing import MarketDataFile, RefusedRow
from trading.events.market_data import TradeEvent

HEADER = "timestamp,price,quantity"
ROWS = ["2024-01-01T00:00:00Z,1.10,5", "2024-01-01T00:00:01Z,1.20,6"]
GOOD = "\n".join([HEADER, *ROWS, ""])
MIDNIGHT = datetime(2024, 1, 1, tzinfo=UTC)

Write = Callable[..., Path]


def writer_in(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "trades.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(path: Path, **options: Any) -> list[BaseEvent | RefusedRow]:
    with MarketDataFile(path, **({"exchange": "x", "symbol": "A/B"} | options)) as file:
        return list(file)


def trades(path: Path, **options: Any) -> list[tuple[Decimal, Decimal]]:
    """Price and quantity of each trade; no row may be refused."""
    items = read(path, **options)
    assert all(isinstance(item, TradeEvent) for item in items), items
    return [(item.price, item.quantity) for item in items if isinstance(item, TradeEvent)]


TWO_TRADES = [(Decimal("1.10"), Decimal(5)), (Decimal("1.20"), Decimal(6))]


def archive(content: str, folder: Path, *names: str) -> bytes:
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, content)
    return path.read_bytes()


def write_parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=1)
    return path
