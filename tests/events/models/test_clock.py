"""Default times come from a clock that can be set, and fields hold plain datetimes whatever they were given."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import freezegun
import pandas as pd
import pytest
import time_machine

from tests.support.classes.samples import sample
from trading.events import InMemoryEventBus, decode_event, encode_event, use_clock
from trading.events.base import utc_now
from trading.events.market_data import TickEvent
from trading.events.system import HeartbeatEvent

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def beat() -> HeartbeatEvent:
    return HeartbeatEvent(component="feed", sequence=1)


def now() -> datetime:
    return datetime.now(UTC)


def test_default_times_are_those_of_the_clock_until_the_block_is_left() -> None:
    before = datetime.now(UTC)
    with use_clock(lambda: NOON):
        assert beat().timestamp == NOON
        assert sample(TickEvent, timestamp=NOON + timedelta(1)).timestamp == NOON + timedelta(1)
        with use_clock(lambda: NOON + timedelta(hours=1)):
            assert utc_now() == NOON + timedelta(hours=1)
        assert utc_now() == NOON
    assert before <= beat().timestamp <= datetime.now(UTC)


def test_the_clock_is_set_back_where_the_block_raises() -> None:
    with pytest.raises(KeyError), use_clock(lambda: NOON):
        raise KeyError
    assert utc_now() != NOON


@pytest.mark.parametrize(
    "told",
    [
        NOON,
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=5))),
        pd.Timestamp(NOON),
        freezegun.api.FakeDatetime(2024, 1, 1, 12, tzinfo=UTC),
    ],
    ids=repr,
)
def test_what_a_clock_says_becomes_a_plain_datetime_in_utc(told: datetime) -> None:
    with use_clock(lambda: told):
        found = beat().timestamp
    assert (type(found), found, found.tzinfo) == (datetime, NOON, UTC)


def test_a_clock_that_says_no_datetime_or_raises_is_told_of() -> None:
    odd: Any = lambda: 12  # noqa: E731
    with use_clock(odd), pytest.raises(TypeError, match="says 12, which is no datetime"):
        beat()
    with use_clock(lambda: 1 / 0), pytest.raises(ZeroDivisionError):  # type: ignore[arg-type,return-value]
        beat()


def test_frozen_by_freezegun_an_event_has_the_frozen_time_and_is_encoded() -> None:
    with freezegun.freeze_time(NOON), use_clock(now):
        made = sample(TickEvent, exchange_timestamp=datetime.now(UTC), timestamp=datetime.now())  # noqa: DTZ005
        assert beat().timestamp == NOON
        assert decode_event(encode_event(made)) == made
    assert {type(time) for time in (made.timestamp, made.exchange_timestamp, made.local_timestamp)} == {datetime}
    assert made.exchange_timestamp == made.timestamp == NOON


def test_moved_by_time_machine_an_event_has_the_time_moved_to() -> None:
    with time_machine.travel(NOON, tick=False), use_clock(now):
        made = sample(TickEvent, exchange_timestamp=datetime.now(UTC))
        assert beat().timestamp == made.exchange_timestamp == NOON
        assert decode_event(encode_event(made)) == made


@pytest.mark.parametrize("freeze", [lambda: freezegun.freeze_time(NOON), lambda: time_machine.travel(NOON, tick=False)])
async def test_a_bus_goes_on_in_frozen_time(freeze: Callable[[], Any]) -> None:
    heard: list[Any] = []
    async with InMemoryEventBus() as bus:
        await bus.subscribe("*", heard.append)
        with freeze(), use_clock(now):
            await bus.publish_batch([beat() for _ in range(100)])
            await asyncio.wait_for(bus.join(), 30)
    assert {each.timestamp for each in heard} == {NOON}


def test_a_moment_without_a_time_is_refused() -> None:
    with pytest.raises(ValueError, match="timestamp"):
        sample(TickEvent, timestamp=pd.NaT)
