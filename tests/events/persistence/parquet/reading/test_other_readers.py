"""The files, read by others: pyarrow, polars, pandas and DuckDB see the same values, in columns of real types."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.classes.samples import SAMPLES, sample
from tests.support.recording import START, record, tick, ticks
from trading.events.base import BaseEvent

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

POLARS = {
    pa.string(): polars.String,
    pa.bool_(): polars.Boolean,
    pa.int8(): polars.Int8,
    pa.int64(): polars.Int64,
    pa.float64(): polars.Float64,
    pa.decimal128(38, 18): polars.Decimal(38, 18),
    pa.timestamp("us", tz="UTC"): polars.Datetime("us", "UTC"),
}
DUCKDB = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.decimal128(38, 18): "DECIMAL(38,18)",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
}


def in_duckdb(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """The types of the columns, and the rows."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = connection.sql(f"select * from read_parquet('{path}')")  # noqa: S608 - a path of ours
        return list(map(str, found.types)), found.to_arrow_table().to_pylist()


def in_pandas(path: Path) -> list[dict[str, Any]]:
    frame = pandas.read_parquet(path)
    return [
        {name: None if pandas.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")
    ]


@pytest.mark.parametrize("cls", SAMPLES, ids=lambda cls: cls.__name__)
def test_every_reader_reads_the_files_of_every_class_alike(tmp_path: Path, cls: type[BaseEvent]) -> None:
    required = {name: value for name, value in SAMPLES[cls].items() if cls.model_fields[name].is_required()}
    metadata = {"note": 'say "ü"', "list": [1, None]}
    events = [sample(cls, timestamp=START, metadata=metadata), cls(**required, timestamp=START + timedelta(seconds=1))]
    record(tmp_path, events)
    [path] = tmp_path.rglob("*.parquet")

    table = pq.read_table(path)
    rows = table.to_pylist()
    frame = polars.read_parquet(path)
    types, in_duck = in_duckdb(path)

    assert frame.dtypes == [POLARS[field.type] for field in table.schema]
    assert types == [DUCKDB[field.type] for field in table.schema]
    assert frame.to_dicts() == in_pandas(path) == in_duck == rows
    assert [row["event_id"] for row in rows] == [event.event_id for event in events]
    assert [row["timestamp"] for row in rows] == [event.timestamp for event in events]
    assert [json.loads(row["metadata"]) for row in rows] == [metadata, {}]
    for name in cls.model_fields:
        values = [getattr(event, name) for event in events]
        if all(isinstance(value, Decimal) or value is None for value in values):
            assert [row[name] for row in rows] == values
            assert set(values) == {None} or table.schema.field(name).type == pa.decimal128(38, 18)


def test_numbers_stand_as_numbers_and_what_a_column_cannot_hold_beside_them(tmp_path: Path) -> None:
    record(tmp_path, [tick(1, bid=None), *ticks(3)[2:], tick(3, ask=Decimal("1E-30"))])
    [path] = map(str, tmp_path.rglob("*.parquet"))

    arrow = pq.read_table(path)
    frame = polars.read_parquet(path)
    panda = pandas.read_parquet(path)
    rows = duckdb.sql(f"select bid, symbol, metadata, _seq, timestamp from '{path}'")  # noqa: S608 - a path of ours
    micros = duckdb.sql(f"select epoch_us(timestamp) from '{path}'")  # noqa: S608 - a path of ours

    numbers = [None, Decimal(2), Decimal(3)]
    moments = [START + timedelta(seconds=number) for number in (1, 2, 3)]
    assert arrow["bid"].to_pylist() == numbers
    assert (
        frame["bid"].to_list()
        == panda["bid"].to_list()
        == [row[0] for row in rows.project("bid").fetchall()]
        == numbers
    )
    assert frame["bid"].dtype == polars.Decimal(38, 18)
    assert frame["timestamp"].dtype == polars.Datetime("us", "UTC")
    assert frame["timestamp"].to_list() == arrow["timestamp"].to_pylist() == list(panda["timestamp"]) == moments
    assert str(panda["timestamp"].dtype) == "datetime64[us, UTC]"
    assert list(map(str, rows.types)) == ["DECIMAL(38,18)", "VARCHAR", "VARCHAR", "BIGINT", "TIMESTAMP WITH TIME ZONE"]
    assert [EPOCH + timedelta(microseconds=row[0]) for row in micros.fetchall()] == moments
    assert frame["ask_exact"].to_list() == [None, None, panda["ask_exact"][2]] == [None, None, "1E-30"]
    assert frame["metadata"].to_list() == ["{}"] * 3
