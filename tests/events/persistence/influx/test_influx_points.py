"""Line protocol: what stands where, escaped as every server reads it, and where a point stands in time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict

from tests.support.classes.odd_fields import define
from tests.support.classes.samples import MOMENT, sample
from tests.support.recording import tick
from trading.events import BaseEvent
from trading.events.errors import UnstorableEventError
from trading.events.persistence.influx.point import make_point
from trading.events.persistence.influx.target import InfluxBucket, InfluxDatabase
from trading.events.persistence.influx.timekeeper import MOST_RUNS, Timekeeper
from trading.events.persistence.influx_writer import InfluxEventWriter
from trading.events.persistence.sending.policy import SendingPolicy
from trading.events.system import ErrorEvent, HeartbeatEvent

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")


def test_a_point_has_names_as_tags_numbers_as_numbers_and_decimals_twice() -> None:
    point = make_point(tick(1, event_id="e", last=None, volume=None, ask="1.50", local_timestamp=MOMENT))
    assert point.series == "tick,exchange=binance,symbol=BTC/USDT"
    assert point.fields == (
        'event_id="e",metadata="{}",raw_symbol="BTCUSDT",bid=1.0,bid_exact="1",ask=1.5,ask_exact="1.50",'
        "exchange_timestamp=1704067200000000i,local_timestamp=1704067200000000i"
    )
    assert point.micros == 1_704_067_201_000_000


def test_an_event_without_names_has_no_tags() -> None:
    assert make_point(sample(HeartbeatEvent)).series == "heartbeat"


@pytest.mark.parametrize(
    ("symbol", "tag"),
    [
        ("a,b=c d", r"a\,b\=c\ d"),
        ("a ", r"a\ "),
        ("a\\", "a%5C"),
        ("a\\,b", r"a%5C\,b"),
        ("a%5C", "a%255C"),
        ('a"b', 'a"b'),
        ("沪深300", "沪深300"),
    ],
)
def test_a_tag_is_escaped_so_that_no_server_can_misread_it(symbol: str, tag: str) -> None:
    assert make_point(tick(symbol=symbol)).series == f"tick,exchange=binance,symbol={tag}"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('a"b', r'message="a\"b"'),
        ("a\\", r'message="a\\"'),
        ("a,b=c d", 'message="a,b=c d"'),
        ("", 'message=""'),
        ("a\nb", r'message_exact="\"a\\nb\""'),
        ("\0", r'message_exact="\"\\u0000\""'),
    ],
)
def test_a_text_is_quoted_and_no_line_break_of_it_ends_a_line(text: str, field: str) -> None:
    assert f",{field}" in make_point(sample(ErrorEvent, message=text)).fields


@pytest.mark.parametrize(
    ("annotation", "value", "fields"),
    [
        (bool, True, "value=t"),
        (int, 7, "value=7i"),
        (int, 2**63, 'value_exact="9223372036854775808"'),
        (float, 1e300, "value=1e+300"),
        (float, -0.0, "value=-0.0"),
        (Decimal, Decimal("0.30000000000000004"), 'value=0.30000000000000004,value_exact="0.30000000000000004"'),
        (Decimal, Decimal("1E+400"), 'value_exact="1E+400"'),
        (Decimal, Decimal("1E-400"), 'value=0.0,value_exact="1E-400"'),
        (datetime, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 'value=1000000i,value_exact="1970-01-01T00:00:01+00:00"'),
        (datetime, datetime(1970, 1, 1), 'value_exact="1970-01-01T00:00:00"'),
        (list[int], [1, 2], 'value="[1,2]"'),
        (int | None, None, ""),
    ],
)
def test_a_field_has_one_type_and_what_that_cannot_say_stands_beside_it(
    annotation: Any, value: Any, fields: str
) -> None:
    point = make_point(define(annotation)(value=value, event_id="1"))
    assert point.fields == ",".join(filter(None, ('event_id="1"', 'metadata="{}"', fields)))


def test_a_field_that_would_have_the_name_of_another_gets_one_of_its_own() -> None:
    cls = define(Decimal, value_exact=str, time=int)
    point = make_point(cls(value=Decimal("1.0"), value_exact="x", time=1, event_id="1"))
    assert point.fields == 'event_id="1",metadata="{}",value=1.0,value_exact_="1.0",value_exact="x",time_=1i'


def test_a_value_that_is_no_field_has_no_place_in_a_point() -> None:
    """Turned red by: making a point of the fields alone."""

    class OpenEvent(BaseEvent):
        event_type: Literal["open_point"] = "open_point"
        model_config = ConfigDict(extra="allow")

    assert make_point(OpenEvent()).series == "open_point"
    with pytest.raises(UnstorableEventError, match="'venue' is none of its fields"):
        make_point(OpenEvent(venue="x"))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_makes_more_than_one_line(text: str) -> None:
    fields = make_point(sample(ErrorEvent, message=text, event_id=text or "1")).fields
    assert not re.search(r"[\x00-\x1f]", fields)
    assert len(re.findall(r'(?<!\\)(?:\\\\)*"', fields)) % 2 == 0


@given(st.lists(st.integers(0, 8), max_size=60))
def test_no_two_events_of_a_topic_have_one_place_and_ties_are_in_order(moments: list[int]) -> None:
    keeper = Timekeeper()
    places = [(micros, *keeper.place("topic", micros)) for micros in moments]
    assert [time_ns // 1_000 for _, _, time_ns in places] == moments
    assert len({(run, time_ns) for _, run, time_ns in places}) == len(places)
    assert sorted(places) == sorted(places, key=lambda place: place[0])


def test_events_in_order_of_time_are_in_one_run_and_late_ones_share_another() -> None:
    keeper = Timekeeper()
    assert [keeper.place("topic", micros)[0] for micros in [1, 2, 2, 5, 3, 4, 6, 5, 9]] == [0, 0, 0, 0, 1, 1, 0, 1, 0]
    assert keeper.place("other", 1) == (0, 1_000)


def test_a_thousand_events_at_one_moment_are_in_one_run() -> None:
    keeper = Timekeeper()
    places = [keeper.place("topic", -1) for _ in range(2_001)]
    assert places[0] == (0, -1_000)
    assert places[999] == (0, -1)
    assert places[1_000] == (1, -1_000)
    assert places[2_000] == (2, -1_000)


def test_an_order_that_would_make_too_many_runs_is_refused() -> None:
    keeper = Timekeeper()
    for micros in range(MOST_RUNS, 0, -1):
        keeper.place("topic", micros)
    with pytest.raises(UnstorableEventError, match="events of topic come in a wild order"):
        keeper.place("topic", 0)
    assert keeper.place("topic", 1) == (MOST_RUNS - 1, 1_001)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: InfluxDatabase("localhost:8086", "m"), "'localhost:8086' is no url of a server"),
        (lambda: InfluxDatabase("http://", "m"), "is no url of a server"),
        (lambda: InfluxDatabase("http://h?db=x", "m"), "is no url of a server"),
        (lambda: InfluxDatabase("http://h", ""), "the database must have a name"),
        (lambda: InfluxDatabase("http://h", "m", username="u"), "username and password go together"),
        (lambda: InfluxBucket("ftp://h", "m"), "is no url of a server"),
        (lambda: InfluxBucket("http://h", ""), "the bucket must have a name"),
        (lambda: SendingPolicy(batch_events=0), "batch_events must be above zero, not 0"),
        (lambda: SendingPolicy(age_s=float("nan")), "age_s must be above zero"),
        (lambda: InfluxEventWriter(InfluxBucket("http://h", "b"), timeout_s=0), "timeout_s must be above zero, not 0"),
        (lambda: SendingPolicy(longest_retry_s=0.1), "longest_retry_s must be retry_s at least"),
    ],
)
def test_what_cannot_be_meant_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: InfluxDatabase("http://user:hush@h:1", "m"),
        lambda: InfluxBucket("http://h", "m", token="hush\n"),
        lambda: InfluxBucket("http://user:hush@h", "m"),
    ],
)
def test_a_refusal_does_not_show_credentials(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"credentials|token") as caught:
        make()
    assert "hush" not in str(caught.value)


def test_a_target_shows_no_credentials() -> None:
    database = InfluxDatabase("http://h/influx/", "a b", retention_policy="r", username="user", password="hush")
    bucket = InfluxBucket("https://h", "b", org="o", token="hush")
    shown = [
        repr(database),
        repr(bucket),
        *(repr(each.endpoint()) + str(each.endpoint()) for each in (database, bucket)),
    ]
    assert not [text for text in shown if "hush" in text or "dXNlcjpodXNo" in text]
    assert str(database.endpoint()) == "http://h:80/influx/write?db=a+b&rp=r&precision=ns"
    assert str(bucket.endpoint()) == "https://h:443/api/v2/write?bucket=b&org=o&precision=ns"
