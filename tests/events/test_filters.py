"""Predefined filters: what each passes, how they combine, what they refuse."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.events import (
    BaseEvent,
    HeartbeatEvent,
    MarketDataEvent,
    OrderEvent,
    TickEvent,
    combined_filter,
    event_type_filter,
    exchange_filter,
    not_filter,
    symbol_filter,
    time_range_filter,
)

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def tick(symbol: str = "BTC/USDT", *, exchange: str = "binance", timestamp: datetime = NOON) -> TickEvent:
    return TickEvent(exchange=exchange, symbol=symbol, raw_symbol=symbol, timestamp=timestamp, exchange_timestamp=NOON)


HEARTBEAT = HeartbeatEvent(component="feed", sequence=1, timestamp=NOON)


class Counting:
    """A custom filter that notes how often it was asked."""

    def __init__(self, *, answer: object) -> None:
        self.answer = answer
        self.asked = 0

    def __call__(self, _event: BaseEvent) -> object:
        self.asked += 1
        return self.answer


def test_symbol_filter_passes_each_of_its_symbols() -> None:
    passes = symbol_filter("BTC/USDT", "BRK.B")
    assert [passes(tick(symbol)) for symbol in ("BTC/USDT", "BRK.B", "BRK", "btc/usdt")] == [True, True, False, False]


def test_exchange_filter_passes_each_of_its_exchanges() -> None:
    passes = exchange_filter("binance", "okex")
    asked = [passes(tick(exchange=exchange)) for exchange in ("binance", "okex", "binanceus", "Binance")]
    assert asked == [True, True, False, False]


def test_an_event_without_symbol_or_exchange_passes_neither_filter() -> None:
    assert not symbol_filter("BTC/USDT")(HEARTBEAT)
    assert not exchange_filter("binance")(HEARTBEAT)


def test_event_type_filter_takes_names_and_classes_which_stand_for_their_subclasses() -> None:
    assert event_type_filter("tick", "trade")(tick())
    assert not event_type_filter("trade")(tick())
    assert event_type_filter(TickEvent)(tick())
    assert event_type_filter(MarketDataEvent)(tick())
    assert event_type_filter(BaseEvent)(HEARTBEAT)
    assert not event_type_filter(OrderEvent)(tick())
    assert event_type_filter("heartbeat", MarketDataEvent)(tick())
    assert event_type_filter("heartbeat", MarketDataEvent)(HEARTBEAT)


def test_event_type_filter_knows_subclasses_defined_later() -> None:
    passes = event_type_filter(MarketDataEvent)

    class OpenInterestEvent(MarketDataEvent):
        event_type: Literal["filter_open_interest"] = "filter_open_interest"

    assert passes(OpenInterestEvent(exchange="binance", symbol="BTC/USDT"))


def test_a_time_range_holds_its_start_and_not_its_end() -> None:
    passes = time_range_filter(NOON, NOON + MICROSECOND)
    assert passes(tick(timestamp=NOON))
    assert not passes(tick(timestamp=NOON + MICROSECOND))
    assert not passes(tick(timestamp=NOON - MICROSECOND))


def test_an_end_of_a_time_range_may_be_open() -> None:
    assert time_range_filter(start=NOON)(tick(timestamp=datetime.max.replace(tzinfo=UTC)))
    assert not time_range_filter(start=NOON)(tick(timestamp=NOON - MICROSECOND))
    assert time_range_filter(end=NOON)(tick(timestamp=datetime.min.replace(tzinfo=UTC)))
    assert not time_range_filter(end=NOON)(tick(timestamp=NOON))
    assert time_range_filter()(tick())


def test_a_naive_datetime_in_a_time_range_is_utc() -> None:
    passes = time_range_filter(NOON.replace(tzinfo=None), (NOON + MICROSECOND).replace(tzinfo=None))
    assert passes(tick(timestamp=NOON))
    assert not passes(tick(timestamp=NOON + MICROSECOND))


def test_a_time_range_may_be_given_in_any_zone() -> None:
    here = timezone(timedelta(hours=5, minutes=30))
    passes = time_range_filter(NOON.astimezone(here), (NOON + MICROSECOND).astimezone(here))
    assert passes(tick(timestamp=NOON))
    assert not passes(tick(timestamp=NOON + MICROSECOND))


@given(
    start=st.none() | st.datetimes(timezones=st.just(UTC)),
    end=st.none() | st.datetimes(timezones=st.just(UTC)),
    moment=st.datetimes(timezones=st.just(UTC)),
)
def test_a_time_range_agrees_with_python(start: datetime | None, end: datetime | None, moment: datetime) -> None:
    if start is not None and end is not None and start >= end:
        with pytest.raises(ValueError, match="empty"):
            time_range_filter(start, end)
        return
    expected = (start is None or start <= moment) and (end is None or moment < end)
    assert time_range_filter(start, end)(tick(timestamp=moment)) is expected


def test_combined_filter_wants_every_filter_to_pass_by_default() -> None:
    passes = combined_filter(symbol_filter("BTC/USDT"), exchange_filter("binance"))
    assert passes(tick())
    assert not passes(tick("ETH/USDT"))
    assert not passes(tick(exchange="okex"))


def test_combined_filter_with_or_wants_one_to_pass() -> None:
    passes = combined_filter(symbol_filter("BTC/USDT"), exchange_filter("okex"), mode="or")
    assert passes(tick())
    assert passes(tick("ETH/USDT", exchange="okex"))
    assert not passes(tick("ETH/USDT"))


def test_a_combination_of_no_filters_passes_everything_and_an_alternative_nothing() -> None:
    assert combined_filter()(tick())
    assert not combined_filter(mode="or")(tick())


def test_not_filter_passes_what_the_other_does_not() -> None:
    assert not not_filter(symbol_filter("BTC/USDT"))(tick())
    assert not_filter(symbol_filter("BTC/USDT"))(tick("ETH/USDT"))
    assert not_filter(not_filter(symbol_filter("BTC/USDT")))(tick())


def test_filters_combine_by_operators() -> None:
    bitcoin, binance = symbol_filter("BTC/USDT"), exchange_filter("binance")
    assert (bitcoin & binance)(tick())
    assert not (bitcoin & binance)(tick(exchange="okex"))
    assert (bitcoin | binance)(tick(exchange="okex"))
    assert not (bitcoin | binance)(tick("ETH/USDT", exchange="okex"))
    assert (~bitcoin)(tick("ETH/USDT"))
    assert (~(bitcoin & binance) | bitcoin)(tick())


@pytest.mark.parametrize("answer", [True, False, 1, 0, "yes", "", None, [0]])
def test_filters_combine_with_any_callable_on_either_side(answer: object) -> None:
    bitcoin, custom = symbol_filter("BTC/USDT"), Counting(answer=answer)
    for both in (bitcoin & custom, custom & bitcoin):
        assert both(tick()) is bool(answer)
        assert both(tick("ETH/USDT")) is False
    for either in (bitcoin | custom, custom | bitcoin):
        assert either(tick()) is True
        assert either(tick("ETH/USDT")) is bool(answer)
    assert combined_filter(custom, mode="or")(tick()) is bool(answer)
    assert not_filter(custom)(tick()) is not bool(answer)


def test_a_combination_asks_in_order_until_the_outcome_is_certain() -> None:
    refusing, passing = Counting(answer=False), Counting(answer=True)
    assert not combined_filter(refusing, passing)(tick())
    assert (refusing.asked, passing.asked) == (1, 0)
    assert combined_filter(passing, refusing, mode="or")(tick())
    assert (refusing.asked, passing.asked) == (1, 1)


def test_a_custom_filter_that_raises_raises_out_of_its_combination() -> None:
    def broken(_event: BaseEvent) -> bool:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        (symbol_filter("BTC/USDT") & broken)(tick())


def test_a_filter_tells_what_it_passes() -> None:
    both = symbol_filter("BTC/USDT", "ETH/USDT") & ~exchange_filter("okex")
    assert "BTC/USDT" in repr(both)
    assert "ETH/USDT" in repr(both)
    assert "okex" in repr(both)
    assert "2024-01-01" in repr(time_range_filter(NOON))
    assert "TickEvent" in repr(event_type_filter(TickEvent))
    assert "trade" in repr(event_type_filter("trade"))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (symbol_filter, "at least one"),
        (exchange_filter, "at least one"),
        (event_type_filter, "at least one"),
        (lambda: symbol_filter("BTC*"), "reserved character"),
        (lambda: symbol_filter(""), "blank"),
        (lambda: exchange_filter("a.b"), "reserved character"),
        (lambda: exchange_filter("_"), "stands for none"),
        (lambda: event_type_filter("Tick"), "lower-case letter"),
        (lambda: event_type_filter("order_*"), "lower-case letter"),
        (lambda: time_range_filter(NOON, NOON), "empty"),
        (lambda: combined_filter(mode="xor"), "mode"),
    ],
)
def test_a_filter_that_could_never_pass_anything_is_a_value_error(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: symbol_filter(5),
        lambda: symbol_filter(["BTC/USDT"]),
        lambda: exchange_filter(None),
        lambda: event_type_filter(5),
        lambda: event_type_filter(int),
        lambda: time_range_filter("2024-01-01"),
        lambda: combined_filter(None),
        lambda: not_filter("x"),
        lambda: symbol_filter("A") & 5,
        lambda: "x" | symbol_filter("A"),
    ],
)
def test_what_is_of_the_wrong_type_is_a_type_error(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        make()


@pytest.mark.parametrize("wrong", [None, "tick", 5, object()])
def test_a_filter_asked_about_something_else_than_an_event_says_so(wrong: Any) -> None:
    with pytest.raises(TypeError):
        symbol_filter("A")(wrong)
