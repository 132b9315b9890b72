"""`trading-events query`: recorded events of a range, as a table, CSV or JSON lines."""

import argparse
import csv
import itertools
import json
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO, cast

from trading.events.base import BaseEvent, event_class
from trading.events.cli.arguments import EventRangeArguments, add_range, add_store, count, event_range
from trading.events.cli.formats import as_time, counted, printable, printable_json
from trading.events.cli.no_match import is_narrowed, tell_of_no_match
from trading.events.cli.screen import is_styled, print_table
from trading.events.cli.signals import removed_by_signal, signals_held
from trading.events.cli.unreadable import gather_unreadable, print_warnings
from trading.events.persistence import EventReader
from trading.events.unknown import UnknownEvent

NAME = "query"
SUMMARY = "print the events of a range"
DESCRIPTION = "Print recorded events, ordered by time, as a table, as CSV or as JSON lines."
EXAMPLES = """\
examples:
  trading-events query data/events --event trade --symbol BTC/USDT
  trading-events query data/events --start 2021-01-08T00:00:10 --end 2021-01-08T00:00:20 --format jsonl
  trading-events query data/events --event bar --format csv --output bars.csv
"""

_TABLE_LIMIT = 50
_ROW = "{:<26}  {:<17}  {:<10}  {:<12}  {}"
_HEADER = ("timestamp", "event type", "exchange", "symbol", "what it says")
_ROWS_OF_A_TABLE = 1_000
_WRAPPED = (0, 4)
_COMMON_FIELDS = ("event_id", "event_type", "timestamp", "exchange", "symbol", "metadata")
_UNKNOWN_FIELDS = "unknown_fields"
"""The column in CSV of all that an event of an unknown type says in fields without a column of their own, as JSON."""

_TOLD_BY_TIMESTAMP = ("exchange_timestamp", "local_timestamp")
_MAX_VALUE_CHARS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    add_store(parser)
    add_range(parser)
    parser.add_argument(
        "--limit", metavar="N", type=count, help="at most so many events, 0 for all (default: all, in a table 50)"
    )
    parser.add_argument(
        "--format", choices=("table", "csv", "jsonl"), default="table", help="how to print them (default: %(default)s)"
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="write to this file")


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns its exit code.

    Raises:
        StoreError: The store cannot be read.
        OSError: The output cannot be written.
    """
    chosen = event_range(args)
    reader = EventReader(args.store)
    limit: int | None = args.limit
    if limit is None and args.format == "table":
        limit = _TABLE_LIMIT
    events: Iterator[BaseEvent] = iter(reader.read_range(**chosen))
    first = next(events, None)
    if first is None and is_narrowed(chosen):
        return tell_of_no_match(args.store, chosen)
    events = itertools.chain([] if first is None else [first], events)
    shown = itertools.islice(events, limit) if limit else events
    with _output(args.output) as out:
        if args.format == "csv":
            _write_csv(shown, out, fields=_fields(args.store, chosen), shown=args.output is None)
        elif args.format == "jsonl":
            out.writelines(f"{printable_json(event.model_dump_json())}\n" for event in shown)
        else:
            _write_table(shown, out)
    if args.limit is None and limit and next(events, None) is not None:
        return _tell_of_the_rest(args.store, chosen, limit=limit)
    return 0


def _tell_of_the_rest(store: Path, chosen: EventRangeArguments, *, limit: int) -> int:
    with gather_unreadable() as unreadable:
        total = EventReader(store, on_error="warn").count(**chosen)
    print(f"(the first {limit} of {total:,} events; --limit 0 for all)", file=sys.stderr)
    print_warnings(unreadable)
    return 1 if unreadable else 0


@contextmanager
def _output(path: Path | None) -> Generator[TextIO, None, None]:
    if path is None:
        yield sys.stdout
    else:
        with ExitStack() as stack:
            with signals_held():
                file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
                if path.is_file() and not path.is_symlink():  # /dev/stdout stays
                    stack.enter_context(removed_by_signal(path))
            yield file


def _write_table(events: Iterable[BaseEvent], out: TextIO) -> None:
    rows = ((as_time(event.timestamp), event.event_type, *_names(event), _said(event)) for event in events)
    if is_styled(out):
        some = list(itertools.islice(rows, _ROWS_OF_A_TABLE))
        print_table(_HEADER, some, wrapped=_WRAPPED, stream=out)
        while some := list(itertools.islice(rows, _ROWS_OF_A_TABLE)):
            print_table(_HEADER, some, wrapped=_WRAPPED, stream=out)
        return
    out.write(f"{_ROW.format(*_HEADER)}\n")
    out.writelines(f"{_ROW.format(*row)}\n" for row in rows)


def _said(event: BaseEvent) -> str:
    return " ".join(f"{printable(field)}={_short(value)}" for field, value in _own_values(event))


def _names(event: BaseEvent) -> tuple[str, str]:
    return printable(event.exchange or "_"), printable(event.symbol or "_")


def _own_values(event: BaseEvent) -> Iterator[tuple[str, object]]:
    """An event's own fields, without those of every event and without its time."""
    for field, value in event.items() if isinstance(event, UnknownEvent) else event:
        repeated = field in _TOLD_BY_TIMESTAMP and value == event.timestamp
        if value is not None and field not in _COMMON_FIELDS and not repeated:
            yield field, value
    if event.metadata:
        yield "metadata", event.metadata


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return counted(len(cast("tuple[object, ...]", value)), "level")
    text = as_time(value) if isinstance(value, datetime) else str(value)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _MAX_VALUE_CHARS else f"{text[: _MAX_VALUE_CHARS - 3]}..."


def _fields(store: Path, chosen: EventRangeArguments) -> Sequence[str]:
    """The fields of all event types of a range: first those that every event has, last those of unknown types."""
    # A file that cannot be read is told of when the events are read.
    with gather_unreadable():
        topics = EventReader(store, on_error="warn").topics(**chosen)
    found = [event_class(topic.event_type) for topic in topics]
    fields = (field for each in found if each is not None for field in each.model_fields)
    return list(dict.fromkeys((*_COMMON_FIELDS, *fields, *([_UNKNOWN_FIELDS] if None in found else []))))


def _write_csv(events: Iterable[BaseEvent], out: TextIO, *, fields: Sequence[str], shown: bool) -> None:
    """Writes the events; where they are shown to somebody, nothing in them acts on a terminal."""
    say = printable if shown else str
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(fields)
    for event in events:
        values = event.model_dump(mode="json")
        if isinstance(event, UnknownEvent):
            values[_UNKNOWN_FIELDS] = {field: value for field, value in values.items() if field not in fields}
        writer.writerow([_csv_cell(values.get(field), say) for field in fields])


def _csv_cell(value: object, say: Callable[[str], str]) -> object:
    text = json.dumps(value) if isinstance(value, dict | list) else value
    return say(text) if isinstance(text, str) else text
