"""What Arrow reads is in its own memory: its threads may release it while the interpreter ends, without the GIL."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.support.recording import record, ticks
from trading.events.persistence import EventReader, verify
from trading.events.persistence.parquet.store.checked_file import owned_by_arrow


def test_the_copy_is_counted_by_arrow() -> None:
    """Turned red by: a buffer around Python's own bytes."""
    before = pa.total_allocated_bytes()
    buffer = owned_by_arrow(bytes(100_000))
    assert pa.total_allocated_bytes() - before >= 100_000
    assert buffer.size == 100_000


def test_small_files_are_read_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned red by: a reader that is given Python's own bytes, at whose exit the process may abort."""
    record(tmp_path, ticks(10))
    opened: list[Any] = []
    reader = pa.BufferReader
    monkeypatch.setattr(pa, "BufferReader", lambda data: (opened.append(data), reader(data))[1])
    assert len(list(EventReader(tmp_path).read_range())) == 10
    assert list(verify(tmp_path)) == []
    assert opened
    assert all(isinstance(each, pa.Buffer) for each in opened)
