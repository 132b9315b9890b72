"""Types that hold no others, each with values to make events of."""

import collections
import enum
import ipaddress
import pathlib
import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID, uuid4

import annotated_types
import pydantic
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from trading.events import Amount, Count, NonEmptyStr, PositiveQuantity, Side, UtcDatetime


class Kind(NamedTuple):
    """A type as an annotation, and values for its fields.

    Attributes:
        annotation: The type.
        values: What an event may be made with; not all of it need be valid.
        is_key: Whether its values can be the keys of a dict.
    """

    annotation: Any
    values: SearchStrategy[Any]
    is_key: bool = False


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"  # noqa: PIE796 - an alias


class Mixed(enum.Enum):
    ONE = 1
    TRUE = "true"
    NOTHING = None
    PAIR = (1, 2)


class Text(enum.StrEnum):
    SPOT = "spot"
    SWAP = "swap"


class Whole(enum.IntEnum):
    ZERO = 0
    ONE = 1


class Floating(float, enum.Enum):
    HALF = 0.5


class Bits(enum.Flag):
    A = 1
    B = 2
    C = 4


class IntBits(enum.IntFlag):
    A = 1
    B = 2


class Shout(str):
    """A text of a class of its own."""

    __slots__ = ()


class Ticks(int):
    """An int of a class of its own."""


ZONES = [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(seconds=1)), timezone(timedelta(0), "Z")]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(["", "1", "nan", "\0", "é"])
ints = st.integers() | st.sampled_from([0, 1, 2**63, -(2**63) - 1, 2**64, 10**40])
floats = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 1e300])
decimals = st.decimals() | st.sampled_from(["1.10", "-0", "1E+5", "0E-30", "1E+6000"]).map(Decimal)
moments = st.datetimes(timezones=st.none() | st.sampled_from(ZONES) | st.timezones())
spans = st.timedeltas()

PLAIN = [
    Kind(int, ints, is_key=True),
    Kind(float, floats, is_key=True),
    Kind(str, texts, is_key=True),
    Kind(bool, st.booleans(), is_key=True),
    Kind(bytes, st.binary(max_size=6), is_key=True),
    Kind(Decimal, decimals.filter(Decimal.is_finite), is_key=True),
    Kind(datetime, moments, is_key=True),
    Kind(date, st.dates(), is_key=True),
    Kind(time, st.times(timezones=st.none() | st.sampled_from(ZONES)), is_key=True),
    Kind(timedelta, spans, is_key=True),
    Kind(UUID, st.uuids(), is_key=True),
    Kind(None, st.none()),
    Kind(complex, st.complex_numbers(allow_nan=False)),
    Kind(Fraction, st.fractions()),
    Kind(bytearray, st.binary(max_size=4).map(bytearray)),
]

anything: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | ints | floats | texts | decimals | st.binary(max_size=3) | moments | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts, inner, max_size=2)
        | st.tuples(inner, inner)
        | st.frozensets(ints, max_size=2)
    ),
    max_leaves=5,
)
LOOSE = [
    Kind(Any, anything),
    Kind(object, anything),
    Kind(pydantic.JsonValue, anything),
    Kind(dict, st.dictionaries(texts | ints, anything, max_size=2)),
    Kind(list, st.lists(anything, max_size=2)),
    Kind(tuple, st.lists(anything, max_size=2).map(tuple)),
    Kind(set, st.sets(ints, max_size=2)),
    Kind(Callable[[], int], st.just(int)),
    Kind(type, st.sampled_from([int, str])),
]

ENUMS = [
    Kind(Colour, st.sampled_from(Colour), is_key=True),
    Kind(Mixed, st.sampled_from(Mixed), is_key=True),
    Kind(Text, st.sampled_from(Text), is_key=True),
    Kind(Whole, st.sampled_from(Whole), is_key=True),
    Kind(Floating, st.sampled_from(Floating)),
    Kind(Bits, st.sampled_from([Bits.A, Bits.A | Bits.C, Bits(0)])),
    Kind(IntBits, st.sampled_from([IntBits.A, IntBits.A | IntBits.B, IntBits(0)])),
    Kind(Literal["a", "b"], st.sampled_from("ab"), is_key=True),
    Kind(Literal[1, "1", True, None, b"1"], st.sampled_from([1, "1", True, None, b"1"])),
    Kind(Literal[Text.SPOT, Colour.RED], st.sampled_from([Text.SPOT, Colour.RED])),
    Kind(Literal[0, False], st.sampled_from([0, False])),
]

OURS = [
    Kind(Amount, decimals),
    Kind(PositiveQuantity, decimals),
    Kind(Count, st.integers(0, 2**63)),
    Kind(NonEmptyStr, texts),
    Kind(Side, st.sampled_from(["buy", "sell"])),
    Kind(UtcDatetime, moments),
]

CONSTRAINED = [
    Kind(Annotated[int, annotated_types.Ge(0)], ints, is_key=True),
    Kind(Annotated[float, annotated_types.Interval(gt=-1, le=2**53)], floats),
    Kind(Annotated[str, pydantic.StringConstraints(strip_whitespace=True, to_lower=True, max_length=5)], texts),
    Kind(pydantic.constr(pattern=r"^[a-z]*$"), texts),
    Kind(pydantic.conint(multiple_of=3), ints.map(lambda value: value * 3)),
    Kind(pydantic.condecimal(max_digits=8, decimal_places=3), decimals),
    Kind(pydantic.StrictInt, ints),
    Kind(pydantic.FiniteFloat, floats),
    Kind(Annotated[float, pydantic.AllowInfNan(allow_inf_nan=True)], floats),
    Kind(Annotated[Decimal, pydantic.AllowInfNan(allow_inf_nan=True)], decimals),
    Kind(pydantic.AwareDatetime, moments),
    Kind(pydantic.NaiveDatetime, moments),
    Kind(pydantic.PastDate, st.dates(max_value=date(2020, 1, 1))),
    Kind(pydantic.FutureDatetime, st.datetimes(min_value=datetime(2200, 1, 1))),
    Kind(pydantic.PositiveInt, ints),
]

SPECIAL = [
    Kind(pydantic.SecretStr, texts),
    Kind(pydantic.SecretBytes, st.binary(max_size=4)),
    Kind(pydantic.AnyUrl, st.sampled_from(["http://example.org", "redis://localhost:1/2?x=é"])),
    Kind(pydantic.HttpUrl, st.sampled_from(["http://EXAMPLE.org", "https://a.b/c#d"])),
    Kind(pydantic.IPvAnyAddress, st.ip_addresses()),
    Kind(ipaddress.IPv4Address, st.ip_addresses(v=4), is_key=True),
    Kind(ipaddress.IPv6Network, st.just("2001:db8::/32")),
    Kind(pathlib.Path, st.sampled_from(["/a/b", "c", "."])),
    Kind(pathlib.PurePosixPath, st.sampled_from(["/a//b", "../c"])),
    Kind(re.Pattern, st.sampled_from(["a+", ""])),
    Kind(zoneinfo.ZoneInfo, st.sampled_from(["UTC", "Europe/Berlin"])),
    Kind(pydantic.ByteSize, st.sampled_from(["1KiB", 7, 2**70])),
    Kind(pydantic.Base64Bytes, st.sampled_from([b"YWJj", b""])),
    Kind(pydantic.Base64Str, st.sampled_from(["YWJj", ""])),
    Kind(pydantic.Json[list[int]], st.sampled_from(["[1, 2]", "[]"])),
    Kind(pydantic.UUID4, st.builds(uuid4)),
    Kind(pydantic.ImportString[Any], st.sampled_from(["math.pi", "math.cos"])),
    Kind(collections.Counter[str], st.dictionaries(st.sampled_from("ab"), st.integers(0, 3))),
    Kind(Annotated[str, pydantic.AfterValidator(Shout)], texts),
    Kind(Annotated[int, pydantic.AfterValidator(Ticks)], ints),
]

LEAVES: list[list[Kind]] = [PLAIN, LOOSE, ENUMS, OURS, CONSTRAINED, SPECIAL]

leaves: SearchStrategy[Kind] = st.sampled_from(LEAVES).flatmap(st.sampled_from)
keys: SearchStrategy[Kind] = st.sampled_from([kind for group in LEAVES for kind in group if kind.is_key])
