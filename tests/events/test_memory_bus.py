"""InMemoryEventBus: what it has beyond the contract, and the examples of the request as they were written."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import pytest

from trading.events import BaseEvent, ErrorEvent, IEventBus, InMemoryEventBus, OrderSubmittedEvent, TickEvent
from trading.events.errors import HandlerTypeError, WrongLoopError


def make_tick(symbol: str = "BTC/USDT", *, exchange: str = "binance") -> TickEvent:
    return TickEvent(
        exchange=exchange,
        symbol=symbol,
        raw_symbol="BTCUSDT",
        bid=Decimal("50000.5"),
        ask=Decimal("50000.6"),
        last=Decimal("50000.55"),
        exchange_timestamp=datetime.now(UTC).replace(tzinfo=None),
    )


async def test_the_request_s_example_of_publishing_and_subscribing_runs_as_it_was_written() -> None:
    printed: list[str] = []
    from_binance: list[BaseEvent] = []

    async def handle_tick(event: TickEvent) -> None:
        printed.append(f"Tick: {event.symbol} @ {event.last}")

    async def handle_all_binance(event: BaseEvent) -> None:
        from_binance.append(event)

    bus = InMemoryEventBus()
    sub_id = await bus.subscribe("tick", handle_tick)
    btc_id = await bus.subscribe("tick", handle_tick, filter=lambda e: e.symbol == "BTC/USDT")
    all_id = await bus.subscribe("*", handle_all_binance, filter=lambda e: e.exchange == "binance")
    assert len({sub_id, btc_id, all_id}) == 3

    tick, other = make_tick(), make_tick("ETH/USDT", exchange="okex")
    await bus.publish(tick)
    await bus.publish(other)
    await bus.join()
    assert sorted(printed) == ["Tick: BTC/USDT @ 50000.55", "Tick: BTC/USDT @ 50000.55", "Tick: ETH/USDT @ 50000.55"]
    assert from_binance == [tick]
    await bus.aclose()


async def test_the_request_s_recorder_takes_everything() -> None:
    class Writer:
        def __init__(self) -> None:
            self.written: list[BaseEvent] = []

        async def write_event(self, event: BaseEvent) -> None:
            await asyncio.sleep(0)
            self.written.append(event)

    writer = Writer()
    order = OrderSubmittedEvent(
        order_id="1",
        client_order_id="c1",
        exchange="binance",
        symbol="BTC/USDT",
        side="buy",
        order_type="limit",
        quantity=Decimal(1),
        price=Decimal(50_000),
    )
    async with InMemoryEventBus() as bus:
        await bus.subscribe("*", writer.write_event)
        tick = make_tick()
        await bus.publish_batch([tick, order])
    assert writer.written == [tick, order]


def test_it_is_an_event_bus() -> None:
    assert issubclass(InMemoryEventBus, IEventBus)
    assert isinstance(InMemoryEventBus(), IEventBus)


def test_the_interface_itself_cannot_be_instantiated() -> None:
    with pytest.raises(TypeError, match="abstract"):
        IEventBus()


def test_only_the_four_methods_of_the_request_are_abstract() -> None:
    assert IEventBus.__abstractmethods__ == {"publish", "subscribe", "unsubscribe", "publish_batch"}


async def test_a_bus_of_the_four_methods_alone_has_streams() -> None:
    class ForwardingBus(IEventBus):
        """The least that a bus can be."""

        def __init__(self, inner: InMemoryEventBus) -> None:
            self.inner = inner

        async def publish(self, event: BaseEvent) -> None:
            await self.inner.publish(event)

        async def subscribe(self, event_type: Any, handler: Any, filter: Any = None) -> str:  # noqa: A002 - as in IEventBus
            return await self.inner.subscribe(event_type, handler, filter)

        async def unsubscribe(self, subscription_id: str) -> None:
            await self.inner.unsubscribe(subscription_id)

        async def publish_batch(self, events: Any) -> None:
            await self.inner.publish_batch(events)

    async with InMemoryEventBus() as inner:
        bus = ForwardingBus(inner)
        async with bus.stream("tick", lambda event: event.exchange == "binance") as stream:
            tick = make_tick()
            await bus.publish_batch([make_tick(exchange="okex"), tick])
            assert await anext(stream) == tick
        assert dict(inner.statistics().subscriptions) == {}


async def test_its_name_is_shown() -> None:
    async with InMemoryEventBus(name="prices") as bus:
        assert "prices" in repr(bus)
        assert "open" in repr(bus)
    assert "closed" in repr(bus)


async def test_its_name_is_the_component_of_its_error_events(caplog: pytest.LogCaptureFixture) -> None:
    said: list[ErrorEvent] = []

    def broken(_event: BaseEvent) -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR, "trading.events"):
        async with InMemoryEventBus(name="prices") as bus:
            await bus.subscribe("tick", broken)
            await bus.subscribe(ErrorEvent, said.append)
            await bus.publish(make_tick())
            await bus.join()
    assert [error.component for error in said] == ["prices"]
    assert "prices" in caplog.records[0].getMessage()


def test_an_on_error_that_is_not_callable_is_refused() -> None:
    with pytest.raises(HandlerTypeError, match="on_error"):
        InMemoryEventBus(on_error="log")


def test_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError):
        InMemoryEventBus(nmae="prices")
    with pytest.raises(TypeError):
        InMemoryEventBus("prices")


def test_functions_may_be_decorated_before_any_loop_runs() -> None:
    bus = InMemoryEventBus()
    seen: list[str | None] = []

    @bus.on("tick")
    async def handle(event: TickEvent) -> None:
        seen.append(event.symbol)

    async def main() -> None:
        async with bus:
            await bus.publish(make_tick())

    asyncio.run(main())
    assert seen == ["BTC/USDT"]


def test_a_decorated_function_lends_its_name_to_the_subscription() -> None:
    bus = InMemoryEventBus()

    @bus.on("tick")
    async def handle(event: TickEvent) -> None: ...

    (account,) = bus.statistics().subscriptions.values()
    assert account.name.endswith("handle")


def test_publish_nowait_before_any_loop_says_what_is_missing() -> None:
    bus = InMemoryEventBus()
    bus.on("tick")(lambda _event: None)
    with pytest.raises(WrongLoopError, match="no event loop yet"):
        bus.publish_nowait(make_tick())
    assert bus.statistics().published == bus.statistics().waiting == 0


def test_publish_nowait_for_a_loop_that_is_closed_has_reached_nobody() -> None:
    bus = InMemoryEventBus()

    async def main() -> None:
        await bus.subscribe("tick", lambda _event: None)

    asyncio.run(main())
    with pytest.raises(WrongLoopError, match="closed"):
        bus.publish_nowait(make_tick())
    assert bus.statistics().published == bus.statistics().waiting == 0


async def test_statistics_may_be_asked_for_from_any_thread() -> None:
    async with InMemoryEventBus() as bus:
        await bus.publish(make_tick())
        statistics = await asyncio.to_thread(bus.statistics)
        assert statistics.published == 1


async def test_a_subclass_may_be_made() -> None:
    class CountingBus(InMemoryEventBus):
        """A bus with a method of its own."""

        def __init__(self, limit: int, **options: Any) -> None:
            super().__init__(**options)
            self.limit = limit

        def is_busy(self) -> bool:
            return self.statistics().waiting > self.limit

    async with CountingBus(0, name="counted") as bus:
        await bus.subscribe("tick", lambda _event: None)
        await bus.publish(make_tick())
        assert bus.is_busy()
        await bus.join()
        assert not bus.is_busy()


async def test_a_handler_that_ignores_its_cancellation_does_not_hold_up_aclose_for_ever(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading.events._bus.closing._GRACE_S", 0.05)
    release = asyncio.Event()

    async def stubborn(_event: BaseEvent) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    bus = InMemoryEventBus()
    await bus.subscribe("tick", stubborn)
    await bus.publish(make_tick())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with caplog.at_level(logging.ERROR, "trading.events"):
        await bus.aclose(timeout_s=0)
    assert "ignores its cancellation" in caplog.text
    release.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_the_loop_may_be_left_to_other_threads_while_nothing_is_published() -> None:
    async with InMemoryEventBus() as bus:
        seen: list[int] = []
        await bus.subscribe("tick", lambda _event: seen.append(threading.get_ident()))
        for _ in range(3):
            await asyncio.to_thread(bus.publish_nowait, make_tick())
            await bus.join()
        assert seen == [threading.get_ident()] * 3


AN_HOUR_NS = 3_600 * 10**9


@pytest.mark.parametrize("suspends", [False, True])
async def test_subscriptions_with_long_queues_take_turns(*, suspends: bool) -> None:
    """Turned red by: going on with the next subscription without an end of its turn."""
    order: list[int] = []

    def noting(number: int) -> Callable[[BaseEvent], Awaitable[None]]:
        async def handler(_event: BaseEvent) -> None:
            if suspends and number == 0 and not order.count(0):
                order.append(number)
                await asyncio.sleep(0)
            order.append(number)

        return handler

    async with InMemoryEventBus() as bus:
        bus._yield_after(AN_HOUR_NS)
        for number in range(4):
            await bus.subscribe("tick", noting(number))
        for _ in range(1_000):
            bus.publish_nowait(make_tick())
        await bus.join()
    others = [number for number in order if number]
    assert len(others) == 3_000
    assert max(len(list(row)) for _, row in groupby(others)) <= 64


async def test_subscriptions_with_long_queues_take_turns_of_so_many_events() -> None:
    """Turned red by: going on with the next subscription without an end of its turn."""
    order: list[int] = []

    def noting(number: int) -> Callable[[BaseEvent], Awaitable[None]]:
        async def handler(_event: BaseEvent) -> None:
            order.append(number)

        return handler

    async with InMemoryEventBus() as bus:
        bus._yield_after(AN_HOUR_NS)
        for number in range(4):
            await bus.subscribe("tick", noting(number))
        await bus.publish_batch([make_tick() for _ in range(200)])
        await bus.join()
    turns = [number for number, _ in groupby(order)]
    assert turns == [*range(4)] * 7  # six times 32 events, and once 8
    assert len(order) == 800
