"""InfluxDB 1, and the events that are read back from the points in it, field by field."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from pydantic_core import from_json

from tests.support.stores.process import ServerProcess, free_port
from trading.events._codec.description import FieldDescription, describe
from trading.events._codec.micros import from_micros
from trading.events._codec.typed_json import field_json
from trading.events.base import BaseEvent, event_class
from trading.events.persistence.influx_writer import InfluxDatabase

_CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  auth-enabled = {with_users}
  log-enabled = true
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
"""


class InfluxServer(ServerProcess):
    """A server of InfluxDB 1."""

    program = "influxd"
    package = "influxdb"
    health = "/ping"

    def __init__(self, folder: Path, *, with_users: bool = False) -> None:
        super().__init__(folder)
        self._rpc_port = free_port()
        self._with_users = "true" if with_users else "false"
        self._numbers = count()

    def command(self) -> list[str]:
        configuration = self.folder / "influxdb.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                rpc_port=self._rpc_port, port=self.port, folder=self.folder, with_users=self._with_users
            )
        )
        return ["-config", str(configuration)]

    def query(self, text: str, **parameters: str) -> list[dict[str, Any]]:
        """The series that are the result of a statement."""
        more = "".join(f"&{name}={quote(value)}" for name, value in parameters.items())
        answer = json.loads(self.request("POST", f"/query?epoch=ns&q={quote(text)}{more}"), parse_int=_parse_int)
        [result] = answer["results"]
        assert "error" not in result, result
        found: list[dict[str, Any]] = result.get("series", [])
        return found

    def make_database(self) -> InfluxDatabase:
        """An empty database."""
        name = f"market {next(self._numbers)}"
        self.query(f'CREATE DATABASE "{name}"')
        return InfluxDatabase(self.url, name)


def read_points(server: InfluxServer, target: InfluxDatabase) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    """Every point of a database: its measurement, its tags, and its fields, `time` among them."""
    points: list[tuple[str, dict[str, str], dict[str, Any]]] = []
    for series in server.query("SELECT * FROM /.*/ GROUP BY *", db=target.database):
        tags = {key: value for key, value in series.get("tags", {}).items() if value}
        for values in series["values"]:
            fields = dict(zip(series["columns"], values, strict=True))
            points.append((series["name"], tags, {key: value for key, value in fields.items() if value is not None}))
    return points


def read_events(server: InfluxServer, target: InfluxDatabase) -> list[BaseEvent]:
    """Every event of a database, by time; those of one topic at one time in the order of recording."""
    found = [
        (fields["time"] // 1_000, int(tags.get("_run", "0")), fields["time"], make_event(name, tags, fields))
        for name, tags, fields in read_points(server, target)
    ]
    return [event for *_, event in sorted(found, key=lambda each: each[:3])]


def make_event(measurement: str, tags: dict[str, str], fields: dict[str, Any]) -> BaseEvent:
    """The event that a point was made of."""
    cls = event_class(measurement)
    assert cls is not None
    values: dict[str, Any] = {
        "event_type": measurement,
        "timestamp": from_micros(fields["time"] // 1_000),
        "exchange": _read_tag(tags.get("exchange")),
        "symbol": _read_tag(tags.get("symbol")),
    }
    keys = _keys(cls)
    for field in _fields(cls):
        if field.name not in values:
            own, exact = keys[field.name]
            values[field.name] = _read_field(cls, field, fields.get(own), fields.get(exact))
    return cls.model_validate(values, by_name=True, by_alias=False)


@cache
def _keys(cls: type[BaseEvent]) -> dict[str, tuple[str, str]]:
    """The keys of each field of a class, and of what is beside it: `_` tells them from fields that are called so."""
    keys: dict[str, tuple[str, str]] = {}
    for name in cls.model_fields:
        own = "time_" if name == "time" else name
        keys[name] = own, f"{name}_exact_" if f"{name}_exact" in cls.model_fields else f"{name}_exact"
    return keys


def _read_tag(value: str | None) -> str | None:
    return None if value is None else unquote(value, errors="strict")


def _read_field(cls: type[BaseEvent], field: FieldDescription, own: Any, exact: str | None) -> Any:
    form = field.shape.form
    if form == "json":
        parse = from_json if field.shape.kind == "metadata" else _parser(cls, field.name)
        return None if own is None else parse(own)
    if form == "decimal" and own is not None:
        assert float(own) == float(exact or "")
    if exact is not None:
        return _FROM_TEXT[form](exact)
    return None if own is None else _FROM_OWN.get(form, _as_it_is)(own)


def _as_it_is(value: Any) -> Any:
    return value


_FROM_OWN: dict[str, Callable[[Any], Any]] = {"float": float, "utc": from_micros}
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "text": json.loads,
    "int": int,
    "float": float,
    "decimal": Decimal,
    "time": datetime.fromisoformat,
}


@cache
def _parser(cls: type[BaseEvent], name: str) -> Callable[[str], Any]:
    return field_json(cls, name)[1]


@cache
def _fields(cls: type[BaseEvent]) -> tuple[FieldDescription, ...]:
    return describe(cls).fields


def _parse_int(text: str) -> float:
    return -0.0 if text == "-0" else int(text)
