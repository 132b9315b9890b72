"""Tables that cannot become events are refused by column, row and value, with the way out."""

import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    field_validator,
    model_validator,
)

from trading.events import (
    Amount,
    BarEvent,
    BaseEvent,
    EventTableError,
    MarketDataEvent,
    NotAnEventError,
    QuoteEvent,
    TradeEvent,
    events_from_table,
)

START = datetime(2024, 1, 1, tzinfo=UTC)
GIVEN = {"exchange": "a", "symbol": "b"}


def trades(rows: int = 3, **columns: Any) -> pa.Table:
    """A table of trades, of which some columns are given anew; None leaves one out."""
    plain = {"timestamp": [START] * rows, "price": [1.5] * rows, "quantity": [1] * rows}
    return pa.table({name: values for name, values in {**plain, **columns}.items() if values is not None})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"price": None, "prise": [1.5] * 3},
            "price: TradeEvent needs the column 'price', which the table does not have; did you mean prise",
        ),
        ({"price": None, "quantity": None}, "needs the column 'price', .*; nor does it have quantity; its columns are"),
        ({"venue": ["a"] * 3}, 'venue: it is no field of TradeEvent; rename or drop it, or say unknown="ignore"'),
        ({"trade_ids": ["a"] * 3}, "trade_ids: it is no field of TradeEvent; did you mean trade_id"),
        ({"symbol": ["b", "c", "b"]}, "^row 1: symbol is 'c': the argument says 'b'"),
        ({"event_type": ["trade", "tick", None]}, "^row 1: event_type is 'tick': TradeEvent has 'trade'"),
        ({"trade_id": [7, 8, 9]}, "^row 0: trade_id is 7: Input should be a valid string"),
        ({"price": [True, False, True]}, "^row 0: price is True: "),
        ({"price": ["1", "x", "3"]}, "^row 1: price is 'x': "),
        ({"price": [1.5, float("inf"), 1]}, "^row 1: price is inf: "),
        ({"quantity": [1, 0, 1]}, "^row 1: quantity is 0: Input should be greater than 0"),
        ({"side": ["buy", "BUY", "sell"]}, "^row 1: side is 'BUY': Input should be 'buy' or 'sell'"),
        ({"trade_id": ["x", "", "y"]}, "^row 1: trade_id is '': String should have at least 1 character"),
        ({"metadata": ["{}", "{", "{}"]}, "^row 1: metadata is '{': it is no JSON"),
        ({"metadata": ["{}", "[]", "{}"]}, "^row 1: metadata is"),
        ({"timestamp": [datetime(2024, 1, 1)] * 3}, '^row 0: timestamp is 2024-01-01 .* no time zone; tz="UTC"'),
        ({"timestamp": [date(2024, 1, 1)] * 3}, "^row 0: timestamp is 2024-01-01 .*: it is in no time zone"),
        ({"timestamp": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00", None]}, "^row 1: timestamp is .* no time zone"),
        ({"timestamp": ["2024-01-01T00:00:00Z", "yesterday", None]}, "^row 1: timestamp is 'yesterday': it is no time"),
        ({"timestamp": [None, 7, 8]}, '^row 1: timestamp is 7: it is a number; time_unit="ms"'),
        ({"timestamp": [7.5, 8, 9]}, "^row 0: timestamp is 7.5: it is a number; time_unit="),
        ({"timestamp": [float("nan"), 8.5, 9]}, "^row 1: timestamp is 8.5: it is a number; time_unit="),
        ({"timestamp": [START, None, START]}, "^row 1: timestamp is None: "),
        ({"timestamp": [True] * 3}, "^row 0: timestamp is True: "),
        ({"timestamp": pa.array([0, 2**62, 0], pa.timestamp("us", "UTC"))}, "^row 1: timestamp is .*no time between"),
        ({"timestamp": pa.array([0, 2**62, 0], pa.timestamp("s", "UTC"))}, "^row 1: timestamp is .*no time between"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(EventTableError, match=message):
        events_from_table(trades(**columns), TradeEvent, **GIVEN)


def test_rules_of_the_class_hold_and_a_late_row_is_named_by_its_number() -> None:
    rows = 20_000
    prices = {"open": [1.5] * rows, "high": [2.0] * rows, "low": [1.0] * rows, "close": [1.5] * rows}
    times = {name: [START] * rows for name in ("timestamp", "open_time", "close_time")}
    prices["high"][17_777] = 0.5
    with pytest.raises(EventTableError, match=r"^row 17777: high 0.5 is below low 1.0") as caught:
        events_from_table(pa.table({**times, **prices, "interval": ["1m"] * rows}), BarEvent, **GIVEN)
    assert caught.value.row == 17_777
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.row, again.reason) == (str(caught.value), 17_777, caught.value.reason)


def test_a_column_that_is_no_field_is_ignored_if_that_is_said() -> None:
    assert len(events_from_table(trades(venue=["a"] * 3), TradeEvent, unknown="ignore", **GIVEN)) == 3
    with pytest.raises(ValueError, match="unknown must be 'raise' or 'ignore'"):
        events_from_table(trades(), TradeEvent, unknown="drop", **GIVEN)


def test_a_column_may_say_what_an_argument_says_too() -> None:
    assert len(events_from_table(trades(symbol=["b"] * 3, event_type=["trade"] * 3), TradeEvent, **GIVEN)) == 3
    with pytest.raises(EventTableError, match="needs the column 'exchange'"):
        events_from_table(trades(symbol=["b"] * 3), TradeEvent)
    with pytest.raises(ValueError, match="symbol cannot be '': "):
        events_from_table(trades(), TradeEvent, exchange="a", symbol="")


def test_whole_floats_are_no_counts_unless_the_class_takes_them() -> None:
    table = trades(price=None, quantity=None, sequence=[1.0, None, 2.0])
    with pytest.raises(EventTableError, match=r"^row 0: sequence is 1.0: Input should be a valid integer"):
        events_from_table(table, QuoteEvent, **GIVEN)


@pytest.mark.parametrize("wrong", [None, 7, "table", [1], {"price": [1]}])
def test_what_is_no_table_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="is no table: one of pyarrow, pandas or polars is"):
        events_from_table(wrong, TradeEvent)


def test_what_is_no_concrete_event_class_is_refused() -> None:
    with pytest.raises(TypeError, match="MarketDataEvent is abstract; name the class of the events"):
        events_from_table(trades(), MarketDataEvent)
    with pytest.raises(NotAnEventError):
        events_from_table(trades(), dict)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (lambda: pd.DataFrame([[1, 2]], columns=["price", "price"]), "price: there are several columns of this name"),
        (lambda: pa.table([[1], [2]], names=["price", "price"]), "price: there are several columns of this name"),
        (lambda: pd.DataFrame({"price": [1, {}]}), r"^row 1: price is \{\}: Arrow has no type"),
        (lambda: pd.DataFrame({"price": [Decimal(1), {}]}), r"^row 1: price is \{\}: it is no number"),
        (lambda: pd.DataFrame({"timestamp": [START, datetime(2024, 1, 1)]}, dtype=object), "^row 1: .*others in none"),
        (lambda: pl.Series([1, 2]), "it is no table"),
    ],
)  # fmt: skip
def test_a_frame_that_arrow_has_no_types_for_is_refused(frame: Callable[[], Any], message: str) -> None:
    with pytest.raises(EventTableError, match=message):
        events_from_table(frame(), TradeEvent, **GIVEN)


class TestTimes:
    @pytest.mark.parametrize(
        ("column", "arguments", "expected"),
        [
            ([datetime(2024, 7, 1, 14)], {"tz": "Europe/Berlin"}, "2024-07-01T12:00:00+00:00"),
            ([date(2024, 7, 1)], {"tz": "UTC"}, "2024-07-01T00:00:00+00:00"),
            (["2024-07-01T14:00:00"], {"tz": "Europe/Berlin"}, "2024-07-01T12:00:00+00:00"),
            (["2024-07-01T14:00:00.123456789+02:00"], {"tz": "Europe/Paris"}, "2024-07-01T12:00:00.123456+00:00"),
            ([1_719_835_200], {"time_unit": "s"}, "2024-07-01T12:00:00+00:00"),
            ([1_719_835_200_123], {"time_unit": "ms"}, "2024-07-01T12:00:00.123000+00:00"),
            ([1_719_835_200_123_456], {"time_unit": "us"}, "2024-07-01T12:00:00.123456+00:00"),
            ([1_719_835_200_123_456_999], {"time_unit": "ns"}, "2024-07-01T12:00:00.123456+00:00"),
            ([-1], {"time_unit": "ns"}, "1969-12-31T23:59:59.999999+00:00"),
            ([1_719_835_200.1], {"time_unit": "s"}, "2024-07-01T12:00:00.100000+00:00"),
            (pa.array([1_719_835_200_123_456_999], pa.timestamp("ns", "UTC")), {}, "2024-07-01T12:00:00.123456+00:00"),
            (pa.array([1_719_835_200], pa.timestamp("s", "UTC")), {}, "2024-07-01T12:00:00+00:00"),
            (pa.array([-62_135_596_800_000], pa.timestamp("ms", "UTC")), {}, "0001-01-01T00:00:00+00:00"),
        ],
    )  # fmt: skip
    def test_times_are_in_utc(self, column: Any, arguments: dict[str, Any], expected: str) -> None:
        [event] = events_from_table(trades(1, timestamp=column), TradeEvent, **arguments, **GIVEN)
        assert event.timestamp.isoformat() == expected

    def test_a_time_that_the_clocks_show_twice_or_never_is_refused(self) -> None:
        naive = [datetime(2024, 7, 1), datetime(2024, 10, 27, 2, 30), datetime(2024, 3, 31, 2, 30)]
        with pytest.raises(
            EventTableError, match=r"^row 1: timestamp is 2024-10-27 02:30:00.*: the clocks of Europe/Ber"
        ):
            events_from_table(trades(timestamp=naive), TradeEvent, tz="Europe/Berlin", **GIVEN)

    def test_zones_and_units_that_there_are_not_are_refused(self) -> None:
        with pytest.raises(ValueError, match="tz is 'Mars/Olympus', which is no time zone"):
            events_from_table(trades(), TradeEvent, tz="Mars/Olympus", **GIVEN)
        with pytest.raises(ValueError, match="time_unit must be one of s, ms, us, ns, not 'min'"):
            events_from_table(trades(), TradeEvent, time_unit="min", **GIVEN)  # type: ignore[arg-type]


def class_of(annotation: Any) -> Any:
    """An event class with a field of a type."""
    fields: dict[str, Any] = {"event_type": (Literal["typed"], "typed"), "field": (annotation, ...)}
    return create_model("TypedEvent", __base__=BaseEvent, __module__=__name__, **fields)


def one_cell(value: Any) -> pa.Table:
    """A table of one row, with a value for the field of such a class."""
    column = pa.repeat(value, 1) if isinstance(value, pa.Scalar) else [value]
    return pa.table({"timestamp": [START], "field": column})


@pytest.mark.usefixtures("classes_are_forgotten")
class TestClassesOfUsers:
    def test_validators_of_the_class_are_asked(self) -> None:
        class EvenEvent(BaseEvent):
            event_type: Literal["even"] = "even"
            price: Amount
            note: str = ""

            @field_validator("note")
            @classmethod
            def _in_capitals(cls, note: str) -> str:
                return note.upper()

            @model_validator(mode="after")
            def _even(self) -> "EvenEvent":
                if self.price % 2:
                    raise ValueError("it is odd")
                return self

        table = pa.table({"timestamp": [START] * 2, "price": [2, 4], "note": ["a", "b"]})
        assert [event.note for event in events_from_table(table, EvenEvent)] == ["A", "B"]
        with pytest.raises(EventTableError, match=r"^row 1: it is odd"):
            events_from_table(table.set_column(1, "price", [[2, 3]]), EvenEvent)

    def test_what_its_configuration_does_is_done(self) -> None:
        class StrippedEvent(BaseEvent):
            model_config = ConfigDict(str_strip_whitespace=True)
            event_type: Literal["stripped"] = "stripped"
            name: str

        [event] = events_from_table(pa.table({"timestamp": [START], "name": [" x "]}), StrippedEvent)
        assert event.name == "x"

    @pytest.mark.parametrize(
        ("annotation", "value", "expected"),
        [
            (Annotated[int, AfterValidator(lambda number: number % 10)], 13, 3),
            (Annotated[str, StringConstraints(to_lower=True)], "BTC", "btc"),
            (Annotated[Decimal, Field(strict=True)], Decimal("1.25"), Decimal("1.25")),
            (Annotated[float, Field(strict=True)], 1, 1.0),
            (int, 7.0, 7),
            (int, True, 1),
            (int, pa.scalar(2**63, pa.uint64()), 2**63),
            (float, 0.5, 0.5),
            (float | None, float("nan"), None),
            (bool, 1, True),
            (str, b"raw", "raw"),
            (datetime, START, START),
            (UUID, "0" * 31 + "1", UUID(int=1)),
            (timedelta, timedelta(seconds=1), timedelta(seconds=1)),
            (list[int], [1, 2], [1, 2]),
            (dict[str, int], '{"a": 1}', {"a": 1}),
        ],
    )
    def test_a_field_of_any_type_is_what_its_class_makes_of_the_cell(
        self, annotation: Any, value: Any, expected: Any
    ) -> None:
        [event] = events_from_table(one_cell(value), class_of(annotation))
        assert (type(event.field), event.field) == (type(expected), expected)

    @pytest.mark.parametrize(
        ("annotation", "value", "message"),
        [
            (Annotated[Decimal, Field(strict=True)], 1.5, "instance of Decimal"),
            (Annotated[Decimal, Field(max_digits=4)], Decimal("1.23456"), "no more than 4 digits"),
            (Annotated[int, Field(multiple_of=5)], 7, "multiple of 5"),
            (int, 7.5, "fractional part"),
            (float, float("nan"), "finite number"),
            (datetime, datetime(2024, 1, 1), "no time zone"),
            (list[int], "[1", "no JSON"),
            (UUID, "x", "valid UUID"),
        ],
    )
    def test_a_cell_that_its_class_refuses_is_refused(self, annotation: Any, value: Any, message: str) -> None:
        with pytest.raises(EventTableError, match=rf"^row 0: field is .*{message}"):
            events_from_table(one_cell(value), class_of(annotation))

    def test_texts_that_could_be_something_else_are_refused(self) -> None:
        class MixedEvent(BaseEvent):
            event_type: Literal["mixed"] = "mixed"
            code: str | int
            day: date = date(2024, 1, 1)

        with pytest.raises(EventTableError, match=r"^code: its values may be texts and others"):
            events_from_table(pa.table({"timestamp": [START], "code": ["7"]}), MixedEvent)
        [event] = events_from_table(pa.table({"timestamp": [START], "code": [7], "day": ["2024-05-06"]}), MixedEvent)
        assert (event.code, event.day) == (7, date(2024, 5, 6))

    def test_a_class_that_keeps_what_it_does_not_know_gets_all_columns(self) -> None:
        class OpenEvent(BaseEvent):
            model_config = ConfigDict(extra="allow")
            event_type: Literal["open"] = "open"
            price: Amount

        table = pa.table({"timestamp": [START], "price": [1.5], "desk": ["fx"]})
        assert events_from_table(table, OpenEvent)[0].model_extra == {"desk": "fx"}
        assert events_from_table(table, OpenEvent, unknown="ignore")[0].model_extra == {}
