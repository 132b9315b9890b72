"""Values that are easily taken for others: of classes upon plain ones, endless, very deep, very long."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import annotated_types
import pandas as pd
import pydantic
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.events.codec.any_class.leaves import Kind, Shout, Ticks, ints
from trading.events import Amount, UtcDatetime


class ClockTime(datetime):
    """A datetime as libraries for times, and those that set the clock for tests, have them."""


class Day(date):
    """A date of a class of its own."""


class Money(Decimal):
    """A decimal of a class of its own."""


class Span(timedelta):
    """A length of time of a class of its own."""


class Key(UUID):
    """A UUID of a class of its own."""


class Settings(dict[str, Any]):
    """A dictionary with something beside its entries."""

    def __init__(self) -> None:
        super().__init__(a=1)
        self.source = "file"


class Link(pydantic.BaseModel):
    """A model that may hold itself."""

    next: Any = None


def deep_list(levels: int) -> Any:
    """A list in a list, so many levels deep."""
    made: list[Any] = []
    for _ in range(levels):
        made = [made]
    return made


def deep_dict(levels: int) -> Any:
    """The same of dictionaries."""
    made: dict[str, Any] = {}
    for _ in range(levels):
        made = {"a": made}
    return made


def endless_list() -> Any:
    """A list that contains itself."""
    made: list[Any] = [1]
    made.append(made)
    return made


def endless_dict() -> Any:
    """A dictionary that contains itself."""
    made: dict[str, Any] = {}
    made["again"] = [made]
    return made


def endless_model() -> Link:
    """A model that contains itself."""
    made = Link()
    made.next = {"model": made}
    return made


depths = st.sampled_from([100, 190, 192, 200, 254, 256, 1000, 10_000])
times = st.sampled_from(
    [
        ClockTime(2024, 1, 2, 3, tzinfo=UTC),
        ClockTime(2024, 1, 2),
        pd.Timestamp("2024-01-02T03:04:05.123456789Z"),
        pd.Timestamp("2024-01-02", tz="Europe/Berlin"),
        pd.Timestamp(2024, 1, 2),
        pd.NaT,
    ]
)
surrogates = st.sampled_from(["\ud800", "a\udfff", "\ud83d\ude00"])
powers = st.sampled_from([(10, 400), (-10, 641), (2, 2047), (2, 2048), (-2, 2049), (10, 5000)])
long_ints = powers.map(lambda power: pow(*power))
long_decimals = st.sampled_from(
    ["1E+6144", "1E+7000", "-1E-9000", "0E+999999", "9" * 5000, "1." + "0" * 900, "sNaN", "NaN123", "-Infinity"]
).map(Decimal)

odd: SearchStrategy[Any] = (
    times
    | surrogates
    | long_ints
    | long_decimals
    | st.builds(deep_list, depths)
    | st.builds(deep_dict, depths)
    | st.builds(endless_list)
    | st.builds(endless_dict)
    | st.builds(endless_model)
    | st.sampled_from([Shout("a"), Ticks(1), Day(2024, 1, 2), Money("1.10"), Span(1), Key(int=1), math.inf, math.nan])
    | st.sampled_from([b"bytes", bytearray(b"bytes"), memoryview(b"bytes"), 1j, ..., NotImplemented, object, len])
    | st.builds(Settings)
)
"""What a field of any type may be given."""

ODD = [
    Kind(Any, odd | st.lists(odd, max_size=2) | st.dictionaries(st.sampled_from("ab"), odd, max_size=2)),
    Kind(dict[str, Any], st.dictionaries(st.sampled_from("ab") | surrogates, odd, max_size=2)),
    Kind(list[Any], st.lists(odd, max_size=2) | st.builds(endless_list) | st.builds(deep_list, depths)),
    Kind(dict, st.dictionaries(st.sampled_from([math.nan, 1, 1.5, (1, 2), b"a", "a", None, True]), ints, max_size=3)),
    Kind(datetime, times),
    Kind(datetime | None, times),
    Kind(list[datetime], st.lists(times, max_size=2)),
    Kind(datetime | str, times),
    Kind(UtcDatetime, times),
    Kind(date, st.sampled_from([Day(2024, 1, 2), ClockTime(2024, 1, 2), pd.Timestamp(2024, 1, 2)])),
    Kind(timedelta, st.sampled_from([Span(1), pd.Timedelta(1, "ns"), pd.Timedelta(1, "s")])),
    Kind(UUID, st.builds(Key, int=st.integers(0, 9))),
    Kind(Decimal, long_decimals | st.builds(Money, st.just("1.10"))),
    Kind(Annotated[Decimal, annotated_types.Le(10)], st.sampled_from(["1.1", "-1E+7000", "10.000"]).map(Decimal)),
    Kind(Annotated[Decimal, pydantic.AllowInfNan(allow_inf_nan=True)], long_decimals),
    Kind(Amount, long_decimals | st.builds(Money, st.just("1.10"))),
    Kind(int, long_ints | st.sampled_from([True, Ticks(3)])),
    Kind(int | str, long_ints | surrogates),
    Kind(str, surrogates | st.builds(Shout, st.just("a"))),
    Kind(dict[float, int], st.dictionaries(st.sampled_from([math.nan, 0.0, -0.0, math.inf]), ints, max_size=3)),
    Kind(set[float], st.sets(st.sampled_from([math.nan, 0.0, 1.0]), max_size=2)),
    Kind(Link, st.builds(endless_model) | st.builds(Link, next=odd)),
    Kind(Settings | dict[str, int], st.builds(Settings)),
]
