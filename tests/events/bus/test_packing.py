"""Events that wait in a long queue are kept as rows, and come out as they went in."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, GetCoreSchemaHandler, PrivateAttr, field_validator, model_validator
from pydantic_core import CoreSchema, core_schema

from tests.support.classes.odd_fields import ODD_FIELDS, define
from tests.support.classes.samples import SAMPLES, sample
from tests.support.classes.strategies import events
from trading.events import BaseEvent, InMemoryEventBus, TickEvent

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")


async def pass_through(waiting: Sequence[BaseEvent], *, subscriptions: int = 1) -> list[list[BaseEvent]]:
    """What each of some subscriptions hears of events that all wait for it, none of them as an object."""
    heard: list[list[BaseEvent]] = []
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(0)
        for _ in range(subscriptions):
            heard.append([])
            await bus.subscribe("*", heard[-1].append)
        for event in waiting:
            bus.publish_nowait(event)
    return heard


def assert_same(actual: BaseEvent, expected: BaseEvent) -> None:
    assert type(actual) is type(expected)
    assert actual == expected
    assert repr(actual) == repr(expected)
    assert actual.model_dump_json() == expected.model_dump_json()


@given(waiting=st.lists(events(), max_size=8), subscriptions=st.integers(1, 3))
def test_events_of_any_class_come_out_equal_for_every_subscription(
    waiting: list[BaseEvent], subscriptions: int
) -> None:
    """Turned red by: rows that share a place being read from the first each time."""
    for heard in asyncio.run(pass_through(waiting, subscriptions=subscriptions)):
        for actual, expected in zip(heard, waiting, strict=True):
            assert_same(actual, expected)


@pytest.mark.parametrize("cls", SAMPLES)
async def test_an_event_of_each_class_is_packed(cls: type[BaseEvent]) -> None:
    """Turned red by: packing nothing."""
    event = sample(cls)
    [[heard]] = await pass_through([event])
    assert_same(heard, event)
    assert heard is not event


@pytest.mark.parametrize(("annotation", "value"), [pytest.param(*rest, id=name) for name, *rest in ODD_FIELDS])
async def test_a_field_of_any_type_takes_part(annotation: Any, value: Any) -> None:
    """Turned red by: packing nothing; taking a date for a text alone that comes for the first time."""
    event = define(annotation)(value=value)
    [heard] = await pass_through([event] * 4)
    assert len(heard) == 4
    for each in heard:
        assert (each, repr(each), type(each)) == (event, repr(event), type(event))
        assert each is not event


async def test_the_first_events_of_a_queue_stay_as_they_are_and_the_rest_is_packed() -> None:
    """Turned red by: packing from the last that is to stay as it is on."""
    heard: list[BaseEvent] = []
    waiting = [sample(TickEvent) for _ in range(4_500)]
    async with InMemoryEventBus() as bus:
        await bus.subscribe("tick", heard.append)
        for event in waiting:
            bus.publish_nowait(event)
    assert heard == waiting
    kept = [actual is expected for actual, expected in zip(heard, waiting, strict=True)]
    assert kept == [True] * 4_096 + [False] * 404


def _twice(value: Decimal) -> Decimal:
    return 2 * value


async def test_no_validator_is_asked_again() -> None:
    """Turned red by: reading a row like one from elsewhere."""

    class StrictEvent(BaseEvent):
        event_type: Literal["strict"] = "strict"
        value: Annotated[Decimal, AfterValidator(_twice)]

        @field_validator("symbol", mode="after")
        @classmethod
        def shout(cls, symbol: str | None) -> str | None:
            return None if symbol is None else f"{symbol}!"

        @model_validator(mode="after")
        def refuse(self) -> Self:
            if is_late:
                raise ValueError("too late")
            return self

    is_late = False
    event = StrictEvent(value=Decimal(1), symbol="X")
    assert (event.value, event.symbol) == (Decimal(2), "X!")
    is_late = True
    [[heard]] = await pass_through([event])
    assert heard is not event
    assert heard.__dict__ == event.__dict__


async def test_an_event_made_past_its_model_s_checks_comes_out_as_it_went_in() -> None:
    """Turned red by: reading a row like one from elsewhere."""
    values = sample(TickEvent).__dict__ | {"symbol": "*", "exchange": "a.b", "volume": Decimal(-1), "raw_symbol": ""}
    event = TickEvent.model_construct(**values)
    [[heard]] = await pass_through([event])
    assert heard.__dict__ == event.__dict__


class Part(BaseModel):
    """A model with something that is none of its fields."""

    amount: int
    _secret: int = PrivateAttr(default=0)


async def test_what_would_not_come_back_stays_as_it_is() -> None:
    """Turned red by: packing without asking for private attributes."""

    class PrivateEvent(BaseEvent):
        event_type: Literal["private"] = "private"
        _secret: int = PrivateAttr(default=0)

    secretive = Part(amount=1)
    secretive._secret = 7
    waiting = [
        PrivateEvent(),
        TickEvent.model_construct(**sample(TickEvent).__dict__ | {"bid": object()}),
        define(Part)(value=secretive),
    ]
    [heard] = await pass_through(waiting)
    assert [actual is event for actual, event in zip(heard, waiting, strict=True)] == [True] * 3
    assert heard[2].value._secret == 7


def define_again(annotation: Any) -> type[BaseEvent]:
    """What a notebook cell does that is run again."""

    class RerunEvent(BaseEvent):
        event_type: Literal["rerun"] = "rerun"
        value: annotation

    return RerunEvent


async def test_what_waits_while_its_class_is_defined_again_comes_out_of_its_own_class() -> None:
    """Turned red by: reading a row by the class that has its event type now."""
    heard: list[BaseEvent] = []
    async with InMemoryEventBus(history=10) as bus:
        bus._pack_beyond(0)
        waiting = [define_again(int)(value=1), define_again(list[int])(value=[1])]
        await bus.subscribe("rerun", heard.append)
        for event in waiting:
            bus.publish_nowait(event)
        define_again(str)
        await bus.join()
        kept = bus.history.query()
    assert heard == list(kept) == waiting
    assert all(actual is not event for actual, event in zip(heard, waiting, strict=True))


Hook = Callable[[], None]


def define_with_hook(hook: Hook) -> Callable[[int], BaseEvent]:
    """Makes events whose packing calls a hook, once they have been made."""
    hooks: list[Hook] = []

    def check(value: int) -> int:
        for each in hooks:
            each()
        return value

    class Checked:
        """Makes a type of another one, so that its function is part of that and called for each that is packed."""

        def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
            return core_schema.no_info_after_validator_function(check, handler(source))

    cls = define(frozenset[Annotated[int, Checked()]])

    def make(number: int) -> BaseEvent:
        hooks.clear()
        event: BaseEvent = cls(value=frozenset({number}))
        hooks.append(hook)
        return event

    return make


async def test_an_event_that_publishes_while_it_is_packed_harms_nothing() -> None:
    """Turned red by: the row taking the place of whichever event is the last."""
    heard: list[BaseEvent] = []
    published: list[BaseEvent] = []

    def publish() -> None:
        if len(published) < 20:
            stays_as_it_is = TickEvent.model_construct(**sample(TickEvent).__dict__ | {"bid": object()})
            published.append(stays_as_it_is if len(published) % 2 else sample(TickEvent))
            bus.publish_nowait(published[-1])

    make = define_with_hook(publish)
    waiting = [make(number) for number in range(3)]
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(0)
        await bus.subscribe("*", heard.append)
        for event in waiting:
            bus.publish_nowait(event)
    assert len(published) > 0
    assert [event for event in heard if event.event_type == "odd"] == waiting
    assert [event for event in heard if event.event_type == "tick"] == published


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_what_ends_the_program_gets_through_packing_and_the_event_is_accepted(
    error: type[BaseException],
) -> None:
    """Turned red by: `pack` taking every exception for an event that stays as it is."""

    def stop() -> None:
        raise error

    heard: list[BaseEvent] = []
    event = define_with_hook(stop)(1)
    async with InMemoryEventBus() as bus:
        bus._pack_beyond(0)
        await bus.subscribe("*", heard.append)
        with pytest.raises(error):
            bus.publish_nowait(event)
    assert heard == [event]
