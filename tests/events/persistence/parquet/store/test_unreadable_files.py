"""Files that cannot be read: the others are read all the same, and the bad one is named."""

import shutil
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.events.persistence.parquet.store.spoiled import (
    BAD,
    GOOD,
    bad_file,
    good_ones,
    read_until_it_raises,
    spoilable,
)
from tests.support.recording import START, record, rewrite_manifest, tick
from trading.events import _core
from trading.events.errors import CorruptFileError, StoredEventError, UnreadableFileWarning
from trading.events.persistence import EventReader
from trading.events.persistence.parquet.reading import merge, part


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return spoilable(tmp_path)


def check_that_it_is_named(store: Path, *, reason: str = "") -> None:
    """Asks everything of a store with one bad file, and hears of it each time."""
    path = bad_file(store)
    events, error = read_until_it_raises(EventReader(store))
    assert good_ones(events) == GOOD
    assert isinstance(error, CorruptFileError)
    assert error.path == path
    assert str(path) in str(error)
    assert reason in str(error)

    tolerant = EventReader(store, on_error="warn")
    for _ in range(2):
        with pytest.warns(UnreadableFileWarning, match="tick_binance_BAD"):
            assert good_ones(list(tolerant.read_range())) == GOOD
    with pytest.raises(CorruptFileError, match="tick_binance_BAD"):
        EventReader(store).read_table()
    with pytest.warns(UnreadableFileWarning, match="tick_binance_BAD"):
        assert tolerant.read_table()["symbol"].to_pylist() == ["ETH/USDT"] * 5


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.3, 0.7, 0.99, 0.9999])
def test_a_truncated_file_among_good_ones_is_named(store: Path, kept: float) -> None:
    data = bad_file(store).read_bytes()
    bad_file(store).write_bytes(data[: int(len(data) * kept)])
    check_that_it_is_named(store)


@pytest.mark.parametrize("garbage", [b"", b"PAR1", b"PAR1PAR1", b"\x00" * 10_000, b"event_id,bid\n1,2\n", b"PAR1" * 99])
def test_garbage_that_is_called_parquet_is_named(store: Path, garbage: bytes) -> None:
    bad_file(store).write_bytes(garbage)
    check_that_it_is_named(store)


def test_a_folder_that_is_called_parquet_is_named(store: Path) -> None:
    bad_file(store).unlink()
    bad_file(store).mkdir()
    check_that_it_is_named(store)


def test_a_parquet_file_from_elsewhere_is_named(store: Path) -> None:
    pq.write_table(pa.table({"price": [1.5]}), bad_file(store))
    rewrite_manifest(bad_file(store).parent)
    check_that_it_is_named(store, reason="does not come from an event store")


def test_a_flipped_byte_in_the_data_is_noticed(store: Path) -> None:
    data = bytearray(bad_file(store).read_bytes())
    column = pq.read_metadata(bad_file(store)).row_group(0).column(0)
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 0x10
    bad_file(store).write_bytes(data)
    check_that_it_is_named(store)


def rewrite(store: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Writes the bad file anew, with other rows or columns, and says the same of them."""
    table = change(pq.read_table(bad_file(store)))
    with pq.ParquetWriter(bad_file(store), table.schema, store_schema=False) as writer:
        writer.add_key_value_metadata(table.schema.metadata)
        writer.write_table(table)
    rewrite_manifest(bad_file(store).parent)


def replace(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), table.schema.field(name), values)


def as_text(value: bytes, count: int) -> pa.Array:
    """A column of what is no text."""
    values = pa.array([value] * count)
    return pa.Array.from_buffers(pa.string(), count, values.buffers())


CHANGES: list[tuple[Callable[[pa.Table], pa.Table], str]] = [
    (lambda table: table.drop_columns(["bid"]), "no column 'bid'"),
    (lambda table: table.append_column("bid", table["bid"]), "no column 'bid'"),
    (lambda table: table.sort_by([("timestamp", "descending")]), "not in the order of time"),
    (lambda table: table.slice(1), "it does not hold what the day's _manifest says"),
    (lambda table: table.slice(0, 99), "it does not hold what the day's _manifest says"),
    (lambda table: replace(table, "_seq", pa.nulls(len(table), pa.int64())), "a row has no timestamp or no _seq"),
    (lambda table: replace(table, "bid_exp", pa.nulls(len(table), pa.int8())), "no possible exponent"),
    (
        lambda table: replace(table, "event_id", pa.nulls(len(table), pa.string())),
        "event_id: nil",
    ),
    (
        lambda table: replace(table, "event_type", pa.array(["trade"] * len(table))),
        'the event type "trade"',
    ),
    (lambda table: replace(table, "metadata", pa.array(["{"] * len(table))), "metadata: "),
    (lambda table: replace(table, "metadata", pa.array(["[1]"] * len(table))), "metadata: "),
    (lambda table: replace(table, "raw_symbol", as_text(b"\xff", len(table))), "UTF8"),
    (lambda table: replace(table, "bid_exact", pa.array(["cheap"] * len(table))), 'bid: "cheap" is no decimal'),
    (
        lambda table: replace(table, "timestamp", pa.array([2**62] * len(table)).cast(pa.timestamp("us", tz="UTC"))),
        "other days than 2024-01-01",
    ),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_a_file_whose_rows_are_no_events_is_named(
    store: Path, change: Callable[[pa.Table], pa.Table], reason: str
) -> None:
    rewrite(store, change)
    events, error = read_until_it_raises(EventReader(store))
    assert good_ones(events) == GOOD
    assert isinstance(error, CorruptFileError | StoredEventError)
    assert error.path == bad_file(store)
    assert reason in str(error)


def test_a_file_whose_batches_are_in_disorder_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "_MOST_BATCH_ROWS", 50)
    rewrite(store, lambda table: pa.concat_tables([table.slice(50), table.slice(0, 50)]))
    _, error = read_until_it_raises(EventReader(store))
    assert "not in the order of time" in str(error)


def test_a_file_without_statistics_is_named(store: Path) -> None:
    table = pq.read_table(bad_file(store))
    pq.write_table(table, bad_file(store), write_statistics=False)
    rewrite_manifest(bad_file(store).parent)
    check_that_it_is_named(store, reason="does not say which times it holds")


def test_a_file_under_another_name_is_named(store: Path) -> None:
    bad_file(store).rename(store / "2024/01/01/tick_binance_OTHER.parquet")
    rewrite_manifest(bad_file(store).parent, renamed={"tick_binance_BAD.parquet": "tick_binance_OTHER.parquet"})
    _, error = read_until_it_raises(EventReader(store))
    assert "its name does not say what it holds, which would be tick_binance_BAD.parquet" in str(error)


def test_a_file_with_a_name_of_no_store_is_named_by_every_query(store: Path) -> None:
    bad_file(store).rename(store / "2024/01/01/copy.parquet")
    rewrite_manifest(bad_file(store).parent, renamed={"tick_binance_BAD.parquet": "copy.parquet"})
    with pytest.raises(CorruptFileError, match=r"copy\.parquet"):
        list(EventReader(store).read_range(symbol="ETH/USDT"))


def test_a_file_that_no_manifest_names_is_not_read(store: Path) -> None:
    shutil.copy(bad_file(store), store / "2024/01/01/tick_binance_BAD~2.parquet")
    assert len(list(EventReader(store).read_range())) == len(GOOD) + len(BAD)


def test_files_without_a_manifest_are_named(store: Path) -> None:
    (store / "2024/01/01/_manifest").unlink()
    with pytest.raises(CorruptFileError, match="it has files but no _manifest"):
        EventReader(store).count()


def with_checksum(text: bytes) -> bytes:
    return b"%b\n%08x\n" % (text, _core.crc32c(text))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[:-1], "checksum"),
        (lambda data: data.replace(b'"rows":5', b'"rows":6'), "checksum"),
        (lambda data: b"", "checksum"),
        (lambda data: data[:10] + b"\n" + data[10:], "checksum"),
        (lambda data: with_checksum(b"[]"), "it is no manifest"),
        (lambda data: with_checksum(b'{"version":2}'), "version 2"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(store: Path, change: Callable[[bytes], bytes], reason: str) -> None:
    path = store / "2024/01/01/_manifest"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CorruptFileError, match=reason) as caught:
        EventReader(store).count()
    assert caught.value.path == path


def test_files_in_another_days_folder_are_named(store: Path) -> None:
    shutil.copytree(store / "2024/01/01", store / "2024/01/02")
    events, error = read_until_it_raises(EventReader(store))
    assert len(events) == len(GOOD) + len(BAD)
    assert "it holds events of other days than 2024-01-02" in str(error)
    assert len(error.__notes__) == 1


def test_a_query_that_does_not_want_the_bad_file_does_not_hear_of_it(store: Path) -> None:
    bad_file(store).write_bytes(b"")
    assert list(EventReader(store).read_range(symbol="ETH/USDT")) == GOOD


def test_several_bad_files_are_all_named(store: Path) -> None:
    record(store, [tick(0, symbol="WORSE")])
    bad_file(store).write_bytes(b"")
    other = bad_file(store).with_name("tick_binance_WORSE.parquet")
    other.write_bytes(b"")
    events, error = read_until_it_raises(EventReader(store))
    assert events == GOOD
    assert str(bad_file(store)) in str(error)
    [note] = error.__notes__
    assert str(other) in note


def test_a_warning_is_given_again_each_time_by_default(store: Path) -> None:
    bad_file(store).write_bytes(b"")
    with warnings.catch_warnings(record=True, action="default") as caught:
        for _ in range(3):
            EventReader(store, on_error="warn").count()
    assert len(caught) == 3


def test_counts_and_summaries_name_the_bad_file_too(store: Path) -> None:
    bad_file(store).write_bytes(b"")
    reader, tolerant = EventReader(store), EventReader(store, on_error="warn")
    for question in (reader.count, reader.time_span, reader.topics):
        with pytest.raises(CorruptFileError, match="tick_binance_BAD"):
            question()
    with pytest.warns(UnreadableFileWarning, match="tick_binance_BAD"):
        assert tolerant.count() == 5
    with pytest.warns(UnreadableFileWarning, match="tick_binance_BAD"):
        assert len(tolerant.topics()) == 1


def test_a_count_names_a_file_that_breaks_where_the_range_begins(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "_iterate", lambda *_: iter(()))
    start = START + timedelta(seconds=1)
    with pytest.raises(CorruptFileError, match="rows are missing"):
        EventReader(store).count(start)
