"""Rows that wait in a temporary file, because there is not room for all in memory."""

import tempfile
from collections.abc import Generator
from itertools import count
from pathlib import Path

import pyarrow as pa


class Spill:
    """A temporary folder, made when it is first needed, and removed by `close`."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = count()

    def batches(self, batch: pa.RecordBatch, *, rows: int) -> Generator[pa.RecordBatch]:
        """The rows of a batch, at most `rows` at a time; those that wait do so on the disk.

        Raises:
            OSError: There is no room there either.
        """
        path, total = self._place(), batch.num_rows
        try:
            with pa.ipc.new_file(path, batch.schema) as sink:
                for start in range(0, total, rows):
                    sink.write_batch(batch.slice(start, rows))
            del batch, sink  # what waits keeps nothing but the path
            for index in range(-(-total // rows)):
                yield _read(path, index)
        finally:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Removes what is left."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _place(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="trading-events-")
        return Path(self._folder.name) / f"{next(self._numbers)}.arrow"


def _read(path: Path, index: int) -> pa.RecordBatch:
    with pa.OSFile(str(path)) as source:
        return pa.ipc.open_file(source).get_batch(index)
