"""Files that cannot be taken are refused with the reason; what came before a break is given."""

import gzip
import math
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.events.importing.written import (
    GOOD,
    HEADER,
    ROWS,
    Write,
    archive,
    read,
    write_parquet,
    writer_in,
)
from trading.events.errors import ImportFileError
from trading.events.importing import MarketDataFile
from trading.events.importing.rows.text_lines import MAX_LINE_BYTES


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return writer_in(tmp_path)


def encrypted(zipped: bytes) -> bytes:
    """The archive with the flag set that says so."""
    flags_at = zipped.index(b"PK\x01\x02") + 8
    return zipped[:flags_at] + b"\x01" + zipped[flags_at + 1 :]


def truncated_parquet(folder: Path) -> bytes:
    path = write_parquet(folder / "whole", timestamp=pa.array([1]), price=pa.array([1.0]), quantity=pa.array([1]))
    return path.read_bytes()[:-10]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda _: b"", "is empty"),
        (lambda _: b"\n \n\n", "is empty"),
        (lambda _: "a,b\n".encode("utf-16"), "the text is UTF-16; save it as UTF-8"),
        (lambda _: gzip.compress(GOOD.encode())[:-20], "the archive cannot be read"),
        (lambda _: b"\x1f\x8b\x08 no gzip at all", "the archive cannot be read"),
        (lambda _: b"PK\x03\x04 no zip at all", "the archive cannot be read"),
        (
            lambda folder: archive(GOOD, folder, "a.csv", "b.csv"),
            "one file is expected, this one holds 2: 'a.csv', 'b.csv'",
        ),
        (lambda folder: archive(GOOD, folder), "one file is expected, this one holds 0"),
        (lambda folder: encrypted(archive(GOOD, folder, "a.csv")), "encrypted"),
        (lambda folder: gzip.compress(truncated_parquet(folder)), "holds a Parquet file; unpack it first"),
        (truncated_parquet, "unreadable after row 0"),
        (lambda _: b"PAR1 no Parquet at all", "unreadable after row 0"),
        (lambda _: b'"a,b\n1,2\n', "line 1: no header"),
        (lambda _: b"{]\n", "the first line must be a JSON object"),
        (lambda _: b"x" * (MAX_LINE_BYTES + 1), "line 1 is longer than"),
        (lambda _: bytes(range(128, 256)) + b"abc\n1\n", "its columns do not tell what it holds"),
    ],
    ids=[
        *("empty", "blank", "utf-16", "cut gzip", "false gzip", "false zip", "two members", "no member", "encrypted"),
        *("parquet in gzip", "cut parquet", "false parquet", "open quote", "false json", "long line", "noise"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_the_reason(
    write: Write, tmp_path: Path, content: Callable[[Path], bytes], reason: str
) -> None:
    path = write(content(tmp_path))
    with pytest.raises(ImportFileError, match=reason) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 2_500


def test_a_file_that_breaks_off_has_given_what_came_before(write: Write) -> None:
    whole = gzip.compress("\n".join([HEADER, *(ROWS * 5_000)]).encode(), mtime=0)
    with MarketDataFile(write(whole[: len(whole) // 2]), exchange="x", symbol="A/B") as file:
        taken = []
        with pytest.raises(ImportFileError, match=r"broken after line [\d,]+"):
            taken.extend(file)
        assert file.rows_read > 100


def test_a_broken_page_of_parquet_is_an_import_error(tmp_path: Path) -> None:
    path = tmp_path / "trades.parquet"
    rows = 20_000
    prices = [math.sin(n) for n in range(rows)]
    table = pa.table({"timestamp": list(range(rows)), "price": prices, "quantity": [1] * rows})
    pq.write_table(table, path, compression="zstd", use_dictionary=False, row_group_size=10_000)
    content = bytearray(path.read_bytes())
    middle = len(content) * 3 // 4
    content[middle : middle + 1_000] = bytes(1_000)
    path.write_bytes(content)
    with pytest.raises(ImportFileError, match=r"unreadable after row (8,192|10,000)"):
        read(path, time_unit="s")
