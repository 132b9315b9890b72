"""UnknownEvent: an event of a type that no class here is for, carried as the bytes that it came in."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from threading import Lock
from typing import Any, Literal, Self, cast

import msgpack
from pydantic import ConfigDict, PrivateAttr, ValidationError, create_model, model_serializer

from trading.events import _core
from trading.events.base import BaseEvent, event_class
from trading.events.errors import EventDecodeError, EventDefinitionError, ReadOnlyError

_FIELDS = {
    "_t": "event_type",
    "_id": "event_id",
    "_ts": "timestamp",
    "_x": "exchange",
    "_s": "symbol",
    "_m": "metadata",
}
_VERSION = "_v"
_READS_VERSION = 1
_BIG_INT = 1
_ID_BYTES = 16
_MOST_TYPES = 4_096
"""Types for which a class is made here: whoever can write to a server could else fill the memory with them."""


class UnknownEvent(BaseEvent, Mapping[str, Any]):
    """An event of a type that no class here is for: where it belongs, and the bytes that it came in.

    A bus over a server delivers it with `unknown="deliver"`, a writer records it as it is, and a reader gives it with
    `unknown="mapping"`. It is a read-only mapping of the event's fields: `event["rate"]`, `dict(event)`. What a value
    is only its class could tell, so each is as it was stored: a Decimal and a date as text, say. Encoded it is the
    same bytes again, which `decode_event` makes an event of once its class is imported.

    It is no event class: there is none by its `event_type`, and none may derive from it.
    """

    model_config = ConfigDict(ser_json_bytes="hex")

    _encoded: bytes | None = PrivateAttr(default=None)
    _values: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def encoded(self) -> bytes | None:
        """The event as `encode_event` wrote it; None where it was read from the columns of a class that is gone."""
        return self._encoded

    @classmethod
    def of_bytes(cls, encoded: bytes) -> "UnknownEvent":
        """The event in some bytes that `encode_event` wrote elsewhere.

        Raises:
            EventDecodeError: There is none in them.
        """
        return _carry(encoded, _read(encoded))

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "UnknownEvent":
        """The event that has these values, by the names of its fields.

        Raises:
            EventDecodeError: They say no time, or no event type.
        """
        made = _make(values)
        made._mapping.update(values)  # noqa: SLF001 - of this class
        return made

    @property
    def _mapping(self) -> dict[str, Any]:
        if not self._values and self._encoded is not None:
            self._values.update(_read(self._encoded))
        return self._values

    def __getitem__(self, name: str) -> Any:
        return self._mapping[name]

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return iter(self._mapping)

    def __len__(self) -> int:
        return len(self._mapping)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UnknownEvent):
            return NotImplemented
        return self._encoded == other._encoded and (self._encoded is not None or self._mapping == other._mapping)

    __hash__ = BaseEvent.__hash__

    @model_serializer(mode="plain")
    def _serialize(self) -> dict[str, Any]:
        return dict(self._mapping)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002 - as in BaseEvent
        """The event itself, which nothing changes.

        Raises:
            ReadOnlyError: New values are given: only its class could say what they would be.
        """
        if update:
            raise ReadOnlyError(f"{self!r} cannot be changed: no class here says what {next(iter(update))!r} is in it")
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._encoded is not None:
            return UnknownEvent.of_bytes, (self._encoded,)
        return UnknownEvent.of_values, (dict(self._mapping),)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<UnknownEvent {self.topic} {self.event_id}>"

    __str__ = __repr__

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """A class of one type, which is entered nowhere."""
        if cls.__module__ != __name__:
            raise EventDefinitionError(f"{cls.__qualname__} cannot derive from UnknownEvent; derive it from BaseEvent")


def decode_any(encoded: bytes) -> BaseEvent:
    """The event in some bytes: an UnknownEvent where no class here has its type.

    Raises:
        EventDecodeError: There is none in them, or its class refuses it.
    """
    try:
        return _core.decode_event(encoded)
    except EventDecodeError as refused:
        try:
            values = _read(encoded)
        except EventDecodeError:
            raise refused from None
        event_type = values.get("event_type")
        if isinstance(event_type, str) and event_class(event_type) is not None:
            raise
    return _carry(encoded, values)


_classes: dict[str, type[UnknownEvent]] = {}
_making = Lock()


def unknown_class(event_type: str) -> type[UnknownEvent]:
    """The class of the carriers of one type, by which they are routed.

    Raises:
        EventDecodeError: No event has such a type, or there are too many types.
    """
    with _making:
        found = _classes.get(event_type)
        if found is None:
            if len(_classes) >= _MOST_TYPES:
                raise EventDecodeError(f"{event_type:.80} is one more than {_MOST_TYPES:,} types that no class is for")
            try:
                _core.check_event_type(event_type)
            except ValueError as wrong:
                raise EventDecodeError(str(wrong)) from None
            literal: Any = Literal[event_type]  # pyright: ignore[reportInvalidTypeForm]
            found = create_model(
                "UnknownEvent", __base__=UnknownEvent, __module__=__name__, event_type=(literal, event_type)
            )
            _classes[event_type] = found
        return found


def _carry(encoded: bytes, values: Mapping[str, Any]) -> UnknownEvent:
    made = _make(values)
    (made.__pydantic_private__ or {})["_encoded"] = encoded
    return made


def _make(values: Mapping[str, Any]) -> UnknownEvent:
    event_type = values.get("event_type")
    if not isinstance(event_type, str):
        raise EventDecodeError("its map has no event type, _t")
    head = {name: values[name] for name in _FIELDS.values() if values.get(name) is not None}
    kinds = {"event_id": str, "timestamp": datetime, "exchange": str, "symbol": str}
    for name, kind in kinds.items():
        is_needed = name in {"event_id", "timestamp"}
        if (name in head or is_needed) and not isinstance(head.get(name), kind):
            raise EventDecodeError(f"{event_type}.{name} is {type(head.get(name)).__name__}, not {kind.__name__}")
    try:
        return unknown_class(event_type).model_validate(head)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
        raise EventDecodeError(f"{event_type}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _read(encoded: bytes) -> Mapping[str, Any]:
    """The values of an event by the names of its fields, whatever its class."""
    try:
        said = msgpack.unpackb(encoded, timestamp=3, object_pairs_hook=_map_of, ext_hook=_ext_of)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as wrong:
        raise EventDecodeError(f"it is no event: {wrong or type(wrong).__name__}") from None
    if not isinstance(said, dict):
        raise EventDecodeError("it is no event: an event is a map")
    stored = cast("dict[str, Any]", said)
    version = stored.pop(_VERSION, None)
    if type(version) is not int or version < 1:
        raise EventDecodeError("it is no event: its map has no version, _v")
    if version > _READS_VERSION:
        raise EventDecodeError(f"its format has version {version}, and this release reads up to {_READS_VERSION}")
    if isinstance(event_id := stored.get("_id"), bytes) and len(event_id) == _ID_BYTES:
        stored["_id"] = event_id.hex()
    values = {name: stored.pop(key) for key, name in _FIELDS.items() if key in stored}
    for key, value in stored.items():
        # A name that begins with an underscore stands there with one more.
        values.setdefault(key[1:] if key.startswith("__") else key, value)
    return values


def _map_of(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs) or not all(isinstance(key, str) for key in made):
        raise ValueError("a key of a map occurs twice, or is no text")
    return made


def _ext_of(code: int, data: bytes) -> Any:
    if code != _BIG_INT:
        raise ValueError(f"an extension {code}, which no event has")
    return int.from_bytes(data, "big", signed=True)
