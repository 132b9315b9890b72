"""Every exception that trading.events raises of its own.

    TradingEventsError
    ├── EventError                   an event or an event class
    │   ├── EventDefinitionError     a class that cannot be an event class      (TypeError)
    │   ├── NotAnEventError          something that is no event                 (TypeError)
    │   ├── ReadOnlyError            what an event holds was to be changed      (TypeError)
    │   ├── EventEncodeError         events that cannot be encoded exactly      (ValueError)
    │   │   └── UnstorableEventError an event that would not come back equal    (StoreError)
    │   ├── EventDecodeError         bytes or columns that hold no event        (ValueError)
    │   ├── EventTableError          a table that cannot become events          (ValueError)
    │   └── EventTooLargeError       an event too long for the wire             (ValueError)
    ├── PatternError                 a text that is no pattern                  (ValueError)
    ├── BusError                     a bus
    │   ├── HandlerTypeError         a handler, filter or hook not callable     (TypeError)
    │   ├── SubscriptionNotFoundError                                           (LookupError)
    │   ├── UnknownTopicError        a pattern with an event type of no class   (LookupError)
    │   ├── QueueFullError           no room, and the policy says not to wait
    │   ├── NoHistoryError           earlier events of a bus that keeps none    (ValueError)
    │   ├── BusClosedError           closed, or closing                         (RuntimeError)
    │   ├── ReentrancyError          an await that could never return           (RuntimeError)
    │   ├── WrongLoopError           called from another thread or loop         (RuntimeError)
    │   ├── ForkedBusError           used in a forked child                     (RuntimeError)
    │   └── ServerError              a bus's server cannot be used              (ConnectionError)
    ├── StoreError                   recorded events
    │   ├── StorePathError           a base_path that cannot hold a store       (ValueError)
    │   ├── StoreLockedError         another writer has the store
    │   ├── StoreClosedError         the writer is closed                       (RuntimeError)
    │   ├── StoreUnavailableError    a store's server takes nothing now         (ConnectionError)
    │   ├── RefusedEventsError       events that a store's server will not take; `.refused` holds them
    │   ├── ReplayIntoItselfError    events of a store that would be recorded there again (ValueError)
    │   ├── CorruptFileError         a file that cannot be read; `.path` names it
    │   │   └── VanishedFileError    a file that is not where it was listed
    │   ├── UnknownEventTypeError    stored events that no class here is for    (LookupError)
    │   └── StoredEventError         a stored event that its class refuses      (ValueError)
    │       └── ChangedFieldError    because a field of it has another type
    └── ImportFileError              a market data file that cannot be taken    (ValueError)
        └── AlreadyImportedError     one that is in the store already; `.at` says since when

A model that refuses a value raises `pydantic.ValidationError`, which is a ValueError.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

_MOST_LINE = 500


class TradingEventsError(Exception):
    """The base of every exception here."""


class EventError(TradingEventsError):
    """Something is wrong with an event or with an event class."""


class EventDefinitionError(EventError, TypeError):
    """A class cannot be an event class as it is written."""


class NotAnEventError(EventError, TypeError):
    """An object that was to be published or written is not an event."""


class ReadOnlyError(EventError, TypeError):
    """A read-only value of an event was to be changed."""


class EventEncodeError(EventError, ValueError):
    """An event holds something that would not come back as it is."""


class EventDecodeError(EventError, ValueError):
    """Bytes or columns do not hold an event.

    Attributes:
        reason: What is wrong.
        offset: Where: in bytes a byte, in a table a row, counted from 0; None where no one place is to blame.
    """

    def __init__(self, reason: str, offset: int | None = None) -> None:
        super().__init__(reason if offset is None else f"at {offset}: {reason}")
        self.reason = reason
        self.offset = offset

    def __reduce__(self) -> tuple[type[Self], tuple[str, int | None]]:
        return type(self), (self.reason, self.offset)


class EventTableError(EventError, ValueError):
    """A table cannot become events of a class.

    Attributes:
        reason: What is wrong.
        row: The row that is at fault, counted from 0; None where a column is, or the table.
        field: The field, or the column, that is at fault; None where several are.
        value: The value that is at fault, as text.
    """

    def __init__(
        self, reason: str, *, row: int | None = None, field: str | None = None, value: str | None = None
    ) -> None:
        named = field if value is None else f"{field} is {value}"
        super().__init__(": ".join([*([] if row is None else [f"row {row}"]), *([named] if named else []), reason]))
        self.reason = reason
        self.row = row
        self.field = field
        self.value = value

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[str]]:
        return partial(type(self), row=self.row, field=self.field, value=self.value), (self.reason,)


class EventTooLargeError(EventError, ValueError):
    """An event is longer than what a bus sends over its wire."""


class PatternError(TradingEventsError, ValueError):
    """A text is not a pattern."""


class BusError(TradingEventsError):
    """Something is wrong with a bus or with how it is used."""


class HandlerTypeError(BusError, TypeError):
    """A handler, a filter or a hook cannot be called."""


class SubscriptionNotFoundError(BusError, LookupError):
    """A subscription id that this bus never gave out."""


class UnknownTopicError(BusError, LookupError):
    """A pattern names an event type that no class has, on a bus made with `strict_topics=True`."""


class QueueFullError(BusError):
    """A queue has no room and the publisher may not wait. The event has reached nobody."""


class NoHistoryError(BusError, ValueError):
    """Earlier events were asked of a bus that keeps none."""


class BusClosedError(BusError, RuntimeError):
    """The bus is closed or closing and takes no new events."""


class ReentrancyError(BusError, RuntimeError):
    """A handler awaited something that only ends after the handler itself."""


class WrongLoopError(BusError, RuntimeError):
    """The call belongs to the bus's own event loop and came from elsewhere."""


class ForkedBusError(BusError, RuntimeError):
    """A bus was used in a process forked from the one it was made in."""


class ServerError(BusError, ConnectionError):
    """The server of a bus cannot be reached, or does not let this user in."""


class StoreError(TradingEventsError):
    """Something is wrong with a store of recorded events."""


class StorePathError(StoreError, ValueError):
    """A base_path cannot hold a store."""


class StoreLockedError(StoreError):
    """Another writer has the store open."""


class StoreClosedError(StoreError, RuntimeError):
    """The writer is closed."""


class StoreUnavailableError(StoreError, ConnectionError):
    """The server of a store cannot be reached, or takes nothing from this writer. The events are kept."""


class RefusedEventsError(StoreError):
    """The server of a store will never take some events. All others are stored.

    Attributes:
        refused: Each event as it was sent, and what the server said of it.
    """

    def __init__(self, refused: Sequence[tuple[str, str]]) -> None:
        line, reason = refused[0]
        super().__init__(
            f"the server refuses {len(refused)} events; all others are stored. The first: {reason}: {line[:_MOST_LINE]}"
        )
        self.refused = tuple(refused)

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[tuple[str, str], ...]]]:
        return type(self), (self.refused,)


class ReplayIntoItselfError(StoreError, ValueError):
    """Recorded events would be published where a writer records them into the same store once more."""


class CorruptFileError(StoreError):
    """A file of a store cannot be read.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class VanishedFileError(CorruptFileError):
    """A file of a store is not where it was listed."""


class UnknownEventTypeError(StoreError, LookupError):
    """A file holds events of a type that no class here is for, so they cannot be read as events.

    Attributes:
        path: The file.
        event_type: The type.
    """

    def __init__(self, path: Path, event_type: str) -> None:
        super().__init__(
            f"{path}: no class here has the event type {event_type!r}: import the module that defines it, or read "
            f'with unknown="mapping", or use `read_table`, which needs no class'
        )
        self.path = path
        self.event_type = event_type

    def __reduce__(self) -> tuple[type[Self], tuple[Path, str]]:
        return type(self), (self.path, self.event_type)


class StoredEventError(StoreError, ValueError):
    """A stored event is refused by its class as it is here. The file that holds it is sound.

    Attributes:
        path: The file.
        seq: The event's place in the order of recording; None where the store does not say.
        timestamp: Its timestamp; None where it does not say one.
        event_type: Its event type; None where it does not say one.
        reason: What the class, or this package, has against it.
        field: The field that is at fault, if one is.
        value: What is stored for the field, as text.
    """

    def __init__(
        self,
        path: Path,
        reason: str,
        *,
        seq: int | None = None,
        timestamp: datetime | None = None,
        event_type: str | None = None,
        field: str | None = None,
        value: str | None = None,
    ) -> None:
        row = "a row" if seq is None else f"row {seq}"
        moment = "" if timestamp is None else f" of {timestamp:%Y-%m-%dT%H:%M:%S.%fZ}"
        name = "event" if event_type is None else f"{event_type!r} event"
        super().__init__(f"{path}: {row}{moment} is no {name} as its class is here: {reason}; {self._way_out()}")
        self.path = path
        self.reason = reason
        self.seq = seq
        self.timestamp = timestamp
        self.event_type = event_type
        self.field = field
        self.value = value

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Path, str, dict[str, Any]]]:
        names = ("seq", "timestamp", "event_type", "field", "value")
        return self._restore, (self.path, self.reason, {name: getattr(self, name) for name in names})

    @classmethod
    def _restore(cls, path: Path, reason: str, said: dict[str, Any]) -> Self:
        return cls(path, reason, **said)

    @staticmethod
    def _way_out() -> str:
        return "the file is sound: let the class take such values, or leave such events out with invalid='skip'"


class ChangedFieldError(StoredEventError):
    """A stored event cannot be read because a field has another type in its class here than it was stored with."""

    @staticmethod
    def _way_out() -> str:
        return (
            "the file is sound: give the field its former type, or one that takes both, or leave such events out with "
            "invalid='skip'; in a Parquet file, the values can be read with `read_table`"
        )


class UnstorableEventError(EventEncodeError, StoreError):
    """An event would not come back equal, so that it is neither stored nor sent.

    The message names class, field and value. In memory such an event is one like any other.
    """


class ImportFileError(TradingEventsError, ValueError):
    """A market data file cannot be taken."""


class AlreadyImportedError(ImportFileError):
    """A market data file has been imported into the store before.

    Attributes:
        path: The file.
        at: When its import ended.
        events: The number of its events that are in the store.
    """

    def __init__(self, path: Path, reason: str, *, at: datetime, events: int) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.at = at
        self.events = events

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Path, str]]:
        return partial(type(self), at=self.at, events=self.events), (self.path, self.reason)


class UnknownSettingWarning(UserWarning):
    """An environment variable is named like a setting, and is none."""


class UnknownTopicWarning(UserWarning):
    """A pattern names an event type that no class has, so that it hears nothing."""


class UnreadableFileWarning(UserWarning):
    """A file of a store cannot be read, so the answer is not whole; the message names it."""
