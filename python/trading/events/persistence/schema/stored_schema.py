"""The description of a file, in its key-value metadata."""

from collections.abc import Container, Mapping
from functools import lru_cache

import pyarrow as pa
from pydantic import BaseModel, TypeAdapter

from trading.events._codec.columns import FORMS
from trading.events._codec.forms import ROUTING_FORMS

SEQ = "_seq"
"""The column of sequence numbers, which give the order of recording."""

VERSION = 1
"""The version of the files that hold the columns of a class."""

RAW_VERSION = 2
"""The version of the files that hold raw events. Later versions are refused."""

RAW = "_event"
"""The column of raw events: each as the bytes in which it came, since no class was there for it."""

RAW_FORM = "raw"
"""The form of that column, and of no other."""

_TOPIC_KEY = b"trading_events"
_COLUMNS_KEY = b"trading_events_columns"


class FileTopic(BaseModel, frozen=True):
    """The topic of a file's events."""

    version: int = VERSION
    event_type: str
    exchange: str | None
    symbol: str | None


class StoredColumn(BaseModel, frozen=True):
    """The form and columns of a field in a file."""

    form: str
    """A name in `FORMS`, or `RAW_FORM`."""

    beside: tuple[str, ...] = ()
    """The columns beside the field's own, in the order of the form's."""

    def arrow_fields(self, name: str) -> list[pa.Field]:
        """All the columns of the field, its own first."""
        if self.form == RAW_FORM:
            return [pa.field(name, pa.binary())]
        columns = zip((name, *self.beside), FORMS[self.form].types, strict=True)
        return [pa.field(*column) for column in columns]


StoredColumns = Mapping[str, StoredColumn]
"""The form and columns of each field in a file, by name."""

_COLUMNS: TypeAdapter[dict[str, StoredColumn]] = TypeAdapter(dict[str, StoredColumn])


def describe_file(topic: FileTopic, columns: StoredColumns) -> dict[bytes, bytes]:
    """The metadata of a file."""
    return {_TOPIC_KEY: topic.model_dump_json().encode(), _COLUMNS_KEY: _COLUMNS.dump_json(dict(columns))}


def read_description(schema: pa.Schema) -> tuple[FileTopic, StoredColumns]:
    """Reads the description of a file.

    Raises:
        ValueError: It is no file of a store, or of a later version, or its columns are not as it says.
    """
    topic, text = read_topic(schema.metadata or {})
    columns = _read_columns(text)
    if not schema.equals(_cached_schema(text)):
        for expected in arrow_schema(columns):
            if schema.names.count(expected.name) != 1 or schema.field(expected.name).type != expected.type:
                raise ValueError(f"it has no column {expected.name!r} of type {expected.type}")
    return topic, columns


def read_topic(metadata: Mapping[bytes, bytes]) -> tuple[FileTopic, bytes]:
    """The topic of a file, and the text that describes its columns, which is the same in files that are alike.

    Raises:
        ValueError: It is no file of a store, or of a later version.
    """
    if _TOPIC_KEY not in metadata or _COLUMNS_KEY not in metadata:
        raise ValueError("this Parquet file does not come from an event store")
    topic = FileTopic.model_validate_json(metadata[_TOPIC_KEY])
    if topic.version > RAW_VERSION:
        raise ValueError(f"its format has version {topic.version}, and this release reads up to {RAW_VERSION}")
    return topic, metadata[_COLUMNS_KEY]


@lru_cache(maxsize=256)
def _cached_schema(text: bytes) -> pa.Schema:
    return arrow_schema(_read_columns(text))


def column_names(columns: StoredColumns) -> list[str]:
    """The names of the columns of these fields, and of the sequence number."""
    return [*(each for name, column in columns.items() for each in (name, *column.beside)), SEQ]


def choose_fields(columns: StoredColumns, fields: Container[str] | None) -> StoredColumns:
    """Those of the columns that hold certain fields, and always the timestamp; all where `fields` is None."""
    return {name: each for name, each in columns.items() if fields is None or name in fields or name == "timestamp"}


def arrow_schema(columns: StoredColumns) -> pa.Schema:
    """The Arrow schema of these fields, and of the sequence number."""
    fields = [field for name, column in columns.items() for field in column.arrow_fields(name)]
    return pa.schema([*fields, pa.field(SEQ, pa.int64())])


@lru_cache(maxsize=256)
def _read_columns(text: bytes) -> StoredColumns:
    columns = _COLUMNS.validate_json(text)
    for name, column in columns.items():
        beside = FORMS[column.form].beside if column.form in FORMS else () if name == RAW else None
        if beside is None or len(column.beside) != len(beside) or (name == RAW) != (column.form == RAW_FORM):
            raise ValueError(
                f"its column {name!r} has an unknown form, {column.form!r} with {len(column.beside)} beside"
            )
    for name, form in ROUTING_FORMS.items():
        if name not in columns or columns[name].form != form:
            raise ValueError(f"its column {name!r} is missing or not of the form {form!r}")
    return columns
