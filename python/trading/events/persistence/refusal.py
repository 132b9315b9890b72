"""The reasons why stored rows are no events of their classes, in words that trust no code of the class."""

import re
import threading
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from trading.events._codec.exactness import shorten
from trading.events._codec.micros import from_micros
from trading.events.errors import ChangedFieldError, StoredEventError

_FIELD = re.compile(r"([^\W\d]\w*): (.*)", re.DOTALL)
_VALUE = re.compile(r"(.+?) is not? ", re.DOTALL)


class Reason(NamedTuple):
    """The reason why a row is no event.

    Attributes:
        text: In words.
        field: The field that is at fault, if one is.
        value: Its value in the row, as text.
    """

    text: str
    field: str | None = None
    value: str | None = None


class Refusal(NamedTuple):
    """A row of the journal that cannot be made an event, or columns.

    Attributes:
        row: Its index in the segment.
        seq: Its number in the order of recording.
        reason: The reason.
    """

    row: int
    seq: int
    reason: Reason


def is_refusal(error: BaseException) -> bool:
    """Returns whether a class has raised this, rather than the user who ends the program.

    A thread other than the main one is interrupted by nobody: whatever is raised there, a class has raised.
    """
    return isinstance(error, Exception) or threading.current_thread() is not threading.main_thread()


def explain(error: BaseException) -> Reason:
    """The reason that an error gives, whatever the class has made of its texts."""
    try:
        return _explain(error)
    except Exception:  # noqa: BLE001 - a text of the class's own, such as `__repr__`, has raised in its turn
        return Reason(f"{type(error).__name__}, which cannot be shown")


def stored_event_error(
    path: Path,
    reason: Reason,
    *,
    seq: int,
    micros: int | None,
    event_type: str | None,
    changed: dict[str, str] | None = None,
) -> StoredEventError:
    """The error that names a stored row.

    Args:
        path: The file that holds it.
        reason: Why it is no event.
        seq: Its number in the order of recording.
        micros: Its timestamp, in microseconds since 1970, if it says one.
        event_type: Its event type, if it says one.
        changed: A text for each field that has another type than it is stored with.
    """
    text, field, value = reason
    is_changed = changed is not None and field in changed
    try:
        timestamp = None if micros is None else from_micros(micros)
    except OverflowError:
        timestamp = None
    return (ChangedFieldError if is_changed else StoredEventError)(
        path,
        f"{changed[field]}: {text}" if changed is not None and field is not None and field in changed else text,
        seq=seq,
        timestamp=timestamp,
        event_type=event_type,
        field=field,
        value=value,
    )


def _explain(error: BaseException) -> Reason:
    said = getattr(error, "reason", None)
    text = said if isinstance(said, str) else f"{type(error).__name__}: {error}"
    found = _FIELD.fullmatch(text) if isinstance(said, str) else None
    field = found[1] if found else None
    for cause in (error, error.__cause__):
        if isinstance(cause, ValidationError):
            return _of_validation(cause, field)
    if found is None:
        return Reason(shorten(text))
    value = _VALUE.match(found[2])
    return Reason(shorten(text), field, None if value is None else shorten(value[1]))


def _of_validation(error: ValidationError, field: str | None) -> Reason:
    first = error.errors(include_url=False, include_context=False)[0]
    names = [part for part in first["loc"] if isinstance(part, str)]
    field = field or (names[0] if names else None)
    place = ".".join(str(part) for part in first["loc"][first["loc"].index(names[0]) :]) if names else field
    value = None if field is None else _show(first["input"])
    return Reason(f"{place}: {value}: {first['msg']}" if field else shorten(first["msg"]), field, value)


def _show(value: object) -> str:
    try:
        return shorten(repr(value))
    except Exception:  # noqa: BLE001 - a value of a class whose `__repr__` raises
        return f"a {type(value).__name__}"
