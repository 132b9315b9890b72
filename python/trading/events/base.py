"""BaseEvent, and what every event class is built from: identity, times, money, counts, names, metadata."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, dataclass_transform, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    JsonValue,
    PrivateAttr,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema, from_json, to_json

from trading.events import _core
from trading.events._models.any_event import choose_event
from trading.events._models.event_kinds import enter_kind, kind_of
from trading.events._models.updating import update_fields
from trading.events.errors import EventDefinitionError

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass

    @dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field, PrivateAttr))
    class _EventMeta(ModelMetaclass):
        """Tells type checkers that events are frozen, so that a subclass may narrow the type of a field."""

else:
    _EventMeta = type(BaseModel)

utc_now = _core.utc_now
"""The time now, aware and in UTC."""


def _to_frozen_json(value: dict[str, Any]) -> Mapping[str, JsonValue]:
    frozen = _core.freeze_json(value)
    if frozen is not None:
        return frozen
    try:
        plain: dict[str, Any] = from_json(to_json([value]))[0]
    except ValueError as wrong:
        raise ValueError(f"JSON cannot hold it: {wrong}") from None
    made: Mapping[str, JsonValue] = _core.freeze(plain)
    return made


UtcDatetime = Annotated[datetime, AfterValidator(_core.to_utc)]
"""A moment: a plain datetime in UTC, in microseconds; what is finer is cut off. A naive one is taken as UTC."""

Exchange = Annotated[str, AfterValidator(_core.check_exchange)]
"""A venue's short name. Not empty or `_`; no dot, `*`, `?` or control character."""

Symbol = Annotated[str, AfterValidator(_core.check_symbol)]
"""An instrument's normalized name, such as BTC/USDT. Not empty or `_`; no `*`, `?` or control character."""

Amount = Annotated[Decimal, Field(allow_inf_nan=False)]
"""Money or a price: finite, of either sign. A float is taken through its shortest decimal text."""

Quantity = Annotated[Decimal, Field(allow_inf_nan=False, ge=0)]
"""A quantity: finite, not negative."""

PositiveQuantity = Annotated[Decimal, Field(allow_inf_nan=False, gt=0)]
"""A quantity: finite, above zero."""

Count = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
"""A number of things or a place in a sequence: an int (no bool, float or text), not negative, within 64 signed bits."""

NonEmptyStr = Annotated[str, Field(min_length=1)]
"""An identifier, or another text that must say something."""

Side = Literal["buy", "sell"]
"""The side of an order, or of the one who took in a trade."""

if TYPE_CHECKING:
    Metadata = Mapping[str, JsonValue]
else:
    Metadata = Annotated[dict[str, JsonValue], AfterValidator(_to_frozen_json)]
"""Whatever JSON can say, by name: finite numbers, valid Unicode, less than 200 levels deep. An event keeps it as a
`FrozenDict`, which is read-only at every level; to type checkers it is a Mapping."""


class BaseEvent(BaseModel, metaclass=_EventMeta):
    """A fact that happened: immutable, with an identity, a time, and a topic by which it is routed.

    Abstract, as is every subclass whose `event_type` is not a `Literal` of one value. Defining a subclass with such a
    literal is all that a new kind of event needs to be published, routed, recorded and replayed:

        class FundingRateEvent(MarketDataEvent):
            event_type: Literal["funding_rate"] = "funding_rate"
            rate: Amount

    Two events are equal if they are of one class and all their fields are. The hash is that of `event_id`. A class
    that is defined again is another class, whose events are equal to none of the old one's; routing takes both for one
    kind.

    Metadata are read-only. Lists and dictionaries in fields of a subclass are what its types say: prefer tuples.

    Raises:
        pydantic.ValidationError: A field has an impossible value or is not known.
        EventDefinitionError: A class is defined with an `event_type` that another class has, that is not
            `[a-z][a-z0-9_]*`, that offers a choice, or whose default is not what the literal says.
        TypeError: An abstract class is instantiated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    event_id: NonEmptyStr = Field(default_factory=_core.new_event_id)
    """Identity, any text; by default 32 hex digits that sort by time of creation."""

    event_type: str
    """The kind of event, first varying part of its topic; fixed by each concrete class."""

    timestamp: UtcDatetime = Field(default_factory=utc_now)
    """Time at which the event happened, as known to its maker; events are stored and replayed in this order."""

    exchange: Exchange | None = None
    """The venue, or None where the event belongs to no single one."""

    symbol: Symbol | None = None
    """The instrument, or None where the event belongs to no single one."""

    metadata: Metadata = Field(default_factory=_core.no_metadata)
    """Anything JSON-like that the maker wants to travel along; read-only, as the event is."""

    @property
    def topic(self) -> str:
        """`events.{event_type}.{exchange}.{symbol}`, with `_` for an exchange or a symbol that is None."""
        return _core.compose_topic(self.event_type, self.exchange, self.symbol)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with fields replaced.

        The new values are validated, by the validators of their fields and by those of the whole model that run after
        its fields. The others stay as they are: no validator changes them a second time. Validators of the whole model
        that run before or around its fields are not asked, as there is nothing raw to be given to them.

        Args:
            update: New values by field name.
            deep: Copy also what fields of a subclass refer to. What is read-only, as metadata are, is shared.

        Raises:
            pydantic.ValidationError: A new value is impossible.
        """
        copy = super().model_copy(deep=deep)
        if update:
            update_fields(copy, update)
        return copy

    if not TYPE_CHECKING:  # type checkers derive its signature from the fields

        @classmethod
        def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
            """An event of these values, which are not validated; its metadata are read-only all the same."""
            made = super().model_construct(_fields_set, **values)
            fields = made.__dict__
            fields.update({name: _core.freeze(fields[name]) for name in fields if _is_metadata(cls.model_fields[name])})
            return made

    def __hash__(self) -> int:
        return hash(self.event_id)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A field of the type of an abstract class holds events of any class derived from that.

        What is validated may be an event, or a mapping with its `event_type`; what is dumped is all that the event has.
        """
        schema = handler(source)
        is_field = cls.__dict__.get("__pydantic_complete__", False)
        if not is_field or get_origin(cls.model_fields["event_type"].annotation) is Literal:
            return schema
        any_event = core_schema.with_info_wrap_validator_function(partial(choose_event, cls, event_class), schema)
        any_event["serialization"] = core_schema.simple_ser_schema("any")
        return any_event

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        event_type = _literal_event_type(cls)
        enter_kind(cls, event_type)
        if event_type is None:
            _make_abstract(cls)
        elif cls.__pydantic_generic_metadata__["origin"] is None:
            _define(cls, event_type)


def _is_metadata(info: FieldInfo) -> bool:
    return any(isinstance(item, AfterValidator) and item.func is _to_frozen_json for item in info.metadata)


_CLASSES: dict[str, type[BaseEvent]] = {}


def event_class(event_type: str) -> type[BaseEvent] | None:
    """The concrete class of an event type, or None where none has been defined."""
    return _CLASSES.get(event_type)


def event_classes() -> Iterator[type[BaseEvent]]:
    """Every concrete event class defined so far, in order of definition."""
    return iter(tuple(_CLASSES.values()))


def _literal_event_type(cls: type[BaseEvent]) -> str | None:
    """The text of the class's literal, or None where it has none and so is abstract."""
    field = cls.model_fields["event_type"]
    if get_origin(field.annotation) is not Literal:
        if field.is_required():
            return None
        raise EventDefinitionError(
            f"{cls.__qualname__}.event_type is not a Literal; write event_type: Literal[{field.default!r}]"
        )
    choices = get_args(field.annotation)
    if len(choices) != 1 or not isinstance(choices[0], str):
        raise EventDefinitionError(f"{cls.__qualname__}.event_type must be a Literal of one text, not of {choices}")
    return str.__str__(choices[0])  # a member of an enumeration is a text as well


def _define(cls: type[BaseEvent], event_type: str) -> None:
    """Enters a concrete class in the table, its literal made the field's default."""
    try:
        _core.check_event_type(event_type)
    except ValueError as wrong:
        raise EventDefinitionError(f"{cls.__qualname__}: {wrong}") from None
    other = _CLASSES.get(event_type)
    if other is not None and kind_of(other) is not kind_of(cls):
        raise EventDefinitionError(
            f"{cls.__qualname__} has the event_type {event_type!r} of {other.__module__}.{other.__qualname__}; "
            f"give it a Literal of its own"
        )
    field = cls.model_fields["event_type"]
    is_plain = type(get_args(field.annotation)[0]) is str and type(field.default) is str
    if field.is_required() or (field.default == event_type and not is_plain):
        literal: Any = Literal[event_type]  # pyright: ignore[reportInvalidTypeForm]
        field.annotation = literal
        field.default = event_type
        cls.model_rebuild(force=True, raise_errors=False)
    elif field.default != event_type:
        raise EventDefinitionError(f"{cls.__qualname__}.event_type is {event_type!r}, its default {field.default!r}")
    _CLASSES[event_type] = cls


def _make_abstract(cls: type[BaseEvent]) -> None:
    """Lets `object.__new__` refuse the class, at no cost to its concrete subclasses."""
    cls.__abstractmethods__ = frozenset({"event_type"})


_make_abstract(BaseEvent)
