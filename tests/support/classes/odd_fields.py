"""Fields of every type that users write, with a value of each, and classes made of them."""

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from trading.events.base import BaseEvent


class Venue(enum.StrEnum):
    SPOT = "spot"
    SWAP = "swap"


class Level(enum.IntEnum):
    LOW = 1


class Leg(BaseModel):
    model_config = ConfigDict(frozen=True)

    ratio: Decimal = Field(validation_alias="r", serialization_alias="R")
    due: date | None = None


ODD_FIELDS: list[tuple[str, Any, Any]] = [
    ("an int beyond 64 bits", int, 2**63),
    ("a very negative int", int, -(2**200)),
    ("the greatest 64 bit int", int, 2**63 - 1),
    ("a bool", bool, True),
    ("a float that is not a number", Annotated[float, Field(allow_inf_nan=True)], float("inf")),
    ("a negative zero", float, -0.0),
    ("a decimal without limits", Annotated[Decimal, Field(allow_inf_nan=True)], Decimal("Infinity")),
    ("a text with NUL", str, "a\0b"),
    ("an empty text", str, ""),
    ("a literal of texts", Literal["a", "b"] | None, "b"),
    ("a literal of texts and None", Literal["a", None], None),
    ("a literal of ints", Literal[1, 2], 2),
    ("a mixed literal", Literal[1, "a"], "a"),
    ("an enumeration of texts", Venue, Venue.SWAP),
    ("an enumeration of ints", Level, Level.LOW),
    ("bytes", bytes, b"\x00\xff\xfe"),
    ("a date", date, date(2024, 2, 29)),
    ("a time of day", time, time(23, 59, 59, 999_999)),
    ("a length of time", timedelta, timedelta(days=-1, microseconds=1)),
    ("a UUID", UUID, UUID(int=7)),
    ("a naive datetime", datetime, datetime(2024, 1, 1, 1, 2, 3, 4)),
    ("a datetime of another zone", datetime, datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))),
    ("a datetime in UTC", datetime, datetime(2024, 1, 1, tzinfo=UTC)),
    ("a list", list[int], [1, 2, 2**70]),
    ("a tuple of decimals", tuple[Decimal, ...], (Decimal("1.10"), Decimal("-0"), Decimal("1E-30"))),
    ("a set", frozenset[str], frozenset({"a"})),
    ("a dict with other keys than texts", dict[int, Decimal], {1: Decimal("1.0")}),
    ("a nested model with aliases", Leg, Leg(r=Decimal("1.50"), due=date(2024, 1, 1))),
    ("several nested models", list[Leg], [Leg(r=Decimal(1)), Leg(r=Decimal("2.0"))]),
    ("a union", int | Decimal, Decimal("7.0")),
    ("a union with a number", int | Decimal, 7),
    ("any JSON", JsonValue, {"a": [1, 1.0, "1", None, True]}),
    ("anything that is JSON", Any, [1, "a", None]),
    ("nothing at all", None, None),
]


def define(annotation: Any, *, config: ConfigDict | None = None, **optional: Any) -> Callable[..., Any]:
    """A class with a field `value`, and some more that are None by default."""
    namespace = {
        "__annotations__": {"event_type": Literal["odd"], "value": annotation} | optional,
        "__module__": __name__,
        "model_config": config or ConfigDict(),
    }
    return type("OddEvent", (BaseEvent,), namespace | dict.fromkeys(optional))
