"""The columns of a table that become the fields of an event class, and what else its events have."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import AfterValidator, AllowInfNan, Strict
from pydantic.fields import FieldInfo

from trading.events import _core
from trading.events._codec.columns import FORMS, free_name
from trading.events._codec.description import FieldDescription, describe
from trading.events._codec.event_table import EXTRA
from trading.events._codec.from_table.cells import Constant
from trading.events._codec.from_table.source import is_unnamed_index
from trading.events._models.added_functions import AddedFunctions, identify
from trading.events._models.suggestion import suggest
from trading.events.base import BaseEvent
from trading.events.errors import EventTableError

Unknown = Literal["raise", "ignore"]
"""The handling of columns that are no fields."""

TIMES = ("timestamp", "exchange_timestamp", "local_timestamp")
"""The times of an event; one that a table does not give is the first of these that it gives."""

_STORE_COLUMNS = frozenset({"_seq"})
_HARMLESS = frozenset({"frozen", "extra", "allow_inf_nan", "title"})
_CHECKED_NATIVELY = (Ge, Gt, Le, Lt, MaxLen, MinLen, AllowInfNan, AfterValidator)
_NATIVE = frozenset({"none", "text", "id", "bool", "int", "float", "decimal", "moment", "datetime"}) | frozenset(
    {"literal", "enum", "optional"}
)
_PLAIN = {"text": str, "bool": bool, "int": int, "float": float}
_MAKING = ("__init__", "__new__", "model_post_init", "model_validate")
_LISTED = 30


@dataclass(frozen=True, slots=True)
class Plan:
    """Options for turning the rows of a table into events.

    Attributes:
        event_class: The class of the events.
        columns: The columns of each field that the table gives: its own, and those beside it.
        fields: The description of each field of the class.
        constants: The values of fields that are the same in all events.
        defaults: The form and the default of fields that the table does not give, where that is plain. An identity
            stands here as None, as it is made for each event.
        copied: The field whose times another field has, by that other.
        extras: Columns that are no fields, and are kept by the class.
        is_native: Whether the events can be made natively, by declared constraints alone.
    """

    event_class: type[BaseEvent]
    columns: Mapping[str, tuple[str, ...]]
    fields: Mapping[str, FieldDescription]
    constants: Mapping[str, str]
    copied: Mapping[str, str]
    defaults: Mapping[str, tuple[str, Constant]]
    extras: tuple[str, ...]
    is_native: bool


def make_plan(
    event_class: type[BaseEvent], names: Sequence[str], *, exchange: str | None, symbol: str | None, unknown: Unknown
) -> Plan:
    """The plan for a table with such columns.

    Raises:
        NotAnEventError: It is no event class.
        TypeError: The class is abstract.
        ValueError: An argument is impossible.
        EventTableError: A column is missing, or is no field.
    """
    description = describe(event_class)
    if event_class.__abstractmethods__:
        raise TypeError(f"{event_class.__name__} is abstract; name the class of the events, such as TradeEvent")
    if unknown not in {"raise", "ignore"}:
        raise ValueError(f"unknown must be 'raise' or 'ignore', not {unknown!r}")
    fields = {field.name: field for field in description.fields}
    constants = _constants(fields, exchange=exchange, symbol=symbol)
    columns = {name: _columns_of(field, fields, names) for name, field in fields.items() if name in names}
    copied = _copied_times(fields, columns)
    given = {*columns, *constants, *copied}
    _check_missing(event_class, names, given=given)
    others = _others(names, columns.values())
    keeps = description.keeps_extras
    if others and unknown == "raise" and not keeps:
        raise _unknown_column(event_class, others[0], fields)
    extras = tuple(others) if keeps and unknown == "raise" else ()
    hashable: Any = event_class
    is_native = not extras and EXTRA not in names and _is_native(hashable)
    defaults = dict(_defaults(event_class, [fields[name] for name in fields if name not in given]))
    return Plan(event_class, columns, fields, constants, copied, defaults, extras, is_native)


def _constants(fields: Iterable[str], *, exchange: str | None, symbol: str | None) -> dict[str, str]:
    constants: dict[str, str] = {}
    for name, value, check in (
        ("exchange", exchange, _core.check_exchange),
        ("symbol", symbol, _core.check_symbol),
    ):
        if value is not None and name in fields:
            try:
                constants[name] = check(value)
            except (TypeError, ValueError) as wrong:
                raise ValueError(f"{name} cannot be {value!r:.80}: {wrong}") from None
    return constants


def _columns_of(field: FieldDescription, fields: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """The columns of a field: with those beside it if the table has them all."""
    beside = [free_name(f"{field.name}_{end}", fields) for end in FORMS[field.shape.form].beside]
    return (field.name, *beside) if all(name in names for name in beside) else (field.name,)


def _copied_times(fields: Iterable[str], columns: Iterable[str]) -> dict[str, str]:
    given = next((name for name in TIMES if name in columns), None)
    return {} if given is None else {name: given for name in TIMES if name in fields and name not in columns}


def _check_missing(event_class: type[BaseEvent], names: Sequence[str], *, given: set[str]) -> None:
    infos = event_class.model_fields
    missing = [
        name for name, info in infos.items() if name not in given and (info.is_required() or name == "timestamp")
    ]
    if not missing:
        return
    unused = [name for name in names if name not in infos and not is_unnamed_index(name)]
    if "timestamp" in missing and any(map(is_unnamed_index, names)):
        hint = '; the frame has an index without a name: frame.rename_axis("timestamp") gives it one'
    else:
        hint = suggest(missing[0], unused)
    wanted = f"{event_class.__name__} needs the column {missing[0]!r}, which the table does not have{hint}"
    more = f"; nor does it have {', '.join(missing[1:])}" if missing[1:] else ""
    raise EventTableError(f"{wanted}{more}; its columns are {_listed(names)}", field=missing[0])


def _defaults(
    event_class: type[BaseEvent], absent: Iterable[FieldDescription]
) -> Iterator[tuple[str, tuple[str, Constant]]]:
    for field in absent:
        info, form = event_class.model_fields[field.name], field.shape.form
        if info.default_factory is _core.new_event_id:
            yield field.name, (form, None)
        elif info.default is None or (form in _PLAIN and type(info.default) is _PLAIN[form]):
            default: Any = info.default
            yield field.name, (form, default)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"


def _others(names: Sequence[str], used: Iterable[tuple[str, ...]]) -> list[str]:
    """The columns that are no fields, and stand beside none."""
    known = {name for columns in used for name in columns} | _STORE_COLUMNS | {EXTRA}
    return [name for name in names if name not in known and not is_unnamed_index(name)]


def _unknown_column(event_class: type[BaseEvent], name: str, fields: Iterable[str]) -> EventTableError:
    near = suggest(name, fields)
    reason = f'it is no field of {event_class.__name__}{near}; rename or drop it, or say unknown="ignore"'
    return EventTableError(reason, field=name)


@lru_cache(maxsize=256)
def _is_native(event_class: type[BaseEvent]) -> bool:
    """Returns whether all that the class does to values, but for its own rules, is to check declared constraints."""
    added = AddedFunctions()
    added.look_into(event_class)
    return (
        not added
        and not event_class.__private_attributes__
        and all(identify(getattr(event_class, name)) == identify(getattr(BaseEvent, name)) for name in _MAKING)
        and event_class.model_config.keys() <= _HARMLESS
        and all(_is_checked_natively(event_class, field) for field in describe(event_class).fields)
    )


def _is_checked_natively(event_class: type[BaseEvent], field: FieldDescription) -> bool:
    if field.shape.form == "json":
        return True  # such a field is made by its class, but for metadata
    info = event_class.model_fields[field.name]
    kinds = {part.kind for part in field.shape.parts()}
    return (
        not info.validate_default
        and kinds <= _NATIVE
        and all(
            isinstance(item, _CHECKED_NATIVELY)
            or (isinstance(item, Strict) and "decimal" not in kinds)
            or (type(item).__name__ == "_PydanticGeneralMetadata" and vars(item).keys() <= {"allow_inf_nan", "pattern"})
            for item in _metadata(info.annotation, info.metadata)
        )
    )


def _metadata(annotation: Any, beside: Iterable[Any]) -> Iterator[Any]:
    """All metadata of a type, those of its parts too."""
    for item in (*beside, *getattr(annotation, "__metadata__", ())):
        yield from _metadata(None, item.metadata) if isinstance(item, FieldInfo) else (item,)
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            if not isinstance(part, FieldInfo) and part not in getattr(annotation, "__metadata__", ()):
                yield from _metadata(part, ())
