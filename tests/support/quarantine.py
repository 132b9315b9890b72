"""Classes that refuse some of their events when they are read, and stores that a dying writer leaves."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from tests.support.recording import START
from trading.events import _core, base
from trading.events.base import BaseEvent
from trading.events.errors import StoreError
from trading.events.persistence import EventReader
from trading.events.persistence.parquet.journal.journal import open_segments


class Size:
    """Makes a type of an int: it may do anything with a size, whenever one is read."""

    def __init__(self, refuse: Callable[[int], object]) -> None:
        self.refuse = refuse

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, size: int) -> int:
        self.refuse(size)
        return size


def define_hint(refuse: Callable[[int], object] = lambda _: None) -> type[BaseEvent]:
    """A class with a field whose type may do anything with a size."""
    return define_hint_of(Annotated[int, Size(refuse)])


def define_hint_of(size_type: Any) -> type[BaseEvent]:
    base._CLASSES.pop("order_hint", None)

    class OrderHint(BaseEvent):
        event_type: Literal["order_hint"] = "order_hint"
        size: size_type

    return OrderHint


def define_rumour() -> type[BaseEvent]:
    base._CLASSES.pop("rumour", None)

    class Rumour(BaseEvent):
        event_type: Literal["rumour"] = "rumour"
        text: str

    return Rumour


def hint(cls: type[BaseEvent], number: int, size: int) -> Any:
    moment = START + timedelta(seconds=number)
    return cls.model_validate({
        "event_id": f"hint-{number}", "timestamp": moment, "symbol": "A", "exchange": "x", "size": size,
    })  # fmt: skip


def rumour(cls: type[BaseEvent], number: int) -> Any:
    moment = START + timedelta(seconds=number)
    return cls.model_validate({"event_id": f"rumour-{number}", "timestamp": moment, "text": f"r{number}"})


def ids(events: Sequence[BaseEvent]) -> list[str]:
    return [event.event_id for event in events]


def read_until_it_raises(store: Path, **selection: Any) -> tuple[list[str], StoreError | None]:
    found: list[str] = []
    try:
        for event in EventReader(store).read_range(**selection):
            found.append(event.event_id)  # noqa: PERF401 - one by one, so that what came before the error is kept
    except StoreError as error:
        return found, error
    return found, None


def quarantined_rows(store: Path) -> list[tuple[int, bytes]]:
    """The rows that are set apart, as they stand in the journal."""
    rows = [segment.read() for segment in open_segments(store) if segment.is_apart]
    return [row for each in rows for row in each.slice(0, len(each))]


def leave(store: Path, rows: Sequence[BaseEvent | bytes]) -> None:
    """What a writer leaves that dies before anything is sealed."""
    folder = store / "_journal"
    folder.mkdir(parents=True)
    journal = _core.Journal(
        folder, 1, 1, most_rows=1 << 40, most_bytes=1 << 40, most_unsynced_bytes=1 << 40, is_deferred=False
    )
    journal.append_batch([row if isinstance(row, bytes) else _core.encode_row(row) for row in rows])


def raiser(error: BaseException) -> Callable[[int], object]:
    def refuse(size: int) -> None:
        if size == 13:
            raise error

    return refuse
