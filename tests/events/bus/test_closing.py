"""Closing beyond the contract: outboxes, what other processes hear and say meanwhile, histories and stores."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.bus.closing.chain import Chain, begun, closing
from tests.events.bus.memory_store import MemoryReader, MemoryWriter
from tests.support.doubles import Recorder, number_of, order, tick, until
from tests.support.recording import START
from tests.support.recording import ticks as recorded_ticks
from tests.support.server.process import Server
from trading.events import BaseEvent, HybridEventBus, InMemoryEventBus, RedisEventBus
from trading.events.errors import BusClosedError
from trading.events.transport.outbox import OutgoingBus

Make = Callable[..., Awaitable[RedisEventBus | HybridEventBus]]

KINDS: dict[str, tuple[type, dict[str, Any]]] = {
    "pubsub": (RedisEventBus, {}),
    "streams": (RedisEventBus, {"mode": "streams"}),
    "group": (RedisEventBus, {"mode": "streams", "group": "g"}),
    "hybrid": (HybridEventBus, {}),
    "hybrid-streams": (HybridEventBus, {"mode": "streams"}),
}
REMOTE = ["pubsub", "streams", "group"]


@pytest.fixture
async def make(server: Server) -> AsyncIterator[Make]:
    """Makes buses of a kind that share a namespace, and closes them; a group's others are none of it."""
    namespace, made = uuid4().hex, list[Any]()

    async def make(kind: str, **options: Any) -> Any:
        bus_type, defaults = KINDS[kind]
        made.append(bus_type(server.url, **{"namespace": namespace} | defaults | options))
        return await made[-1].__aenter__()

    yield make
    for bus in made:
        await bus.aclose(timeout_s=0)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_handlers_publish_while_a_bus_closes_is_sent_and_handled(make: Make, kind: str) -> None:
    """Turned red by: an outgoing bus without `_send_for`; `_work_off_and_leave` looking only once."""
    others = await make(kind, group=None) if "group" in KINDS[kind][1] else await make(kind)
    elsewhere = Recorder()
    await others.subscribe("tick", elsewhere)
    bus = await make(kind)
    chain, _ = await begun(bus, last=4)
    closed = await closing(bus)
    chain.go_on.set()
    await closed
    assert chain.seen == [0, 1, 2, 3, 4]
    assert bus.transport_statistics().unsent == 0
    await until(lambda: elsewhere.seen == [0, 1, 2, 3, 4])


@pytest.mark.parametrize("kind", ["pubsub", "streams"])
async def test_what_others_publish_while_a_bus_closes_is_not_heard(make: Make, kind: str) -> None:
    """Turned red by: `hear_only_itself` that does nothing."""
    other, bus = await make(kind), await make(kind)
    chain, _ = await begun(bus, last=1)
    closed = await closing(bus)
    await other.publish(tick(50))
    await other.flush()
    chain.go_on.set()
    await closed
    assert chain.seen == [0, 1]


@pytest.mark.parametrize("kind", REMOTE)
async def test_a_bus_whose_handlers_answer_others_closes_however_long_these_go_on(make: Make, kind: str) -> None:
    """Turned red by: `_work_off` following what handlers publish whatever others send."""
    others = await make(kind, group=None) if kind == "group" else await make(kind)
    bus = await make(kind)
    answered: list[int] = []

    async def answer(event: BaseEvent) -> None:
        await bus.publish(order(number_of(event)))
        answered.append(number_of(event))

    await bus.subscribe("tick", answer)
    is_over = asyncio.Event()

    async def talk() -> None:
        number = 0
        while not is_over.is_set():
            await others.publish(tick(number := number + 1))
            await asyncio.sleep(0)

    talking = asyncio.create_task(talk())
    await until(lambda: len(answered) > 10)
    await bus.aclose()
    is_over.set()
    await talking


async def test_handlers_that_wait_for_room_in_an_outbox_are_let_in_when_it_closes() -> None:
    """Turned red by: `come` telling everybody who was sent away that the bus is closed."""
    patron, collected = InMemoryEventBus(), list[int]()
    go_on = asyncio.Event()

    async def collect(event: BaseEvent) -> None:
        await go_on.wait()
        collected.append(number_of(event))

    outgoing = OutgoingBus(collect, name="outgoing", on_error=None, capacity=1, overflow="block", on_gap=None)
    outgoing._send_for(patron)
    for symbol in "ABC":
        await patron.subscribe(f"events.tick.*.{symbol}", outgoing.publish)
    await outgoing.publish(tick(0))
    await until(lambda: outgoing.statistics().subscriptions and outgoing.unfinished == 1)
    await asyncio.sleep(0)
    await outgoing.publish(tick(1))
    outside = asyncio.create_task(outgoing.publish_batch([tick(9)]))
    for number, symbol in enumerate("ABC", start=2):
        await patron.publish(tick(number, symbol=symbol))
    await until(lambda: outgoing.statistics().publishers_waiting == 4)
    outgoing.close_to_outsiders()
    with pytest.raises(BusClosedError):
        await outside
    go_on.set()
    await patron.join()
    await outgoing.aclose()
    assert sorted(collected) == [0, 1, 2, 3, 4]
    await patron.aclose()


async def test_a_handler_is_heard_also_where_the_bus_begins_to_close_in_the_midst_of_its_publish(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Turned red by: no second look at who speaks when an open bus turns out to be closing."""
    bus, heard = InMemoryEventBus(), list[int]()
    loop = asyncio.get_running_loop()

    def close_in_the_midst() -> bool:
        bus._close()
        return False

    async def answer(event: BaseEvent) -> None:
        await asyncio.sleep(0)
        with monkeypatch.context() as patched:
            patched.setattr(loop, "is_closed", close_in_the_midst)
            bus.publish_nowait(order(number_of(event)))

    await bus.subscribe("tick", answer)
    await bus.subscribe("order_*", lambda event: heard.append(number_of(event)))
    await bus.publish(tick(7))
    await bus.join()
    assert (heard, bus._phase) == ([7], "closing")
    await bus.aclose()


async def test_a_history_keeps_what_handlers_publish_while_the_bus_closes() -> None:
    """Turned red by: events of handlers that pass the history by."""
    bus = InMemoryEventBus(history=10)
    chain, _ = await begun(bus, last=3)
    closed = await closing(bus)
    chain.go_on.set()
    await closed
    assert [number_of(event) for event in bus.history.query("tick")] == [0, 1, 2, 3]


async def test_what_is_handed_over_from_a_store_may_be_answered_while_the_bus_closes() -> None:
    """Turned red by: closing for handlers while a store is being read."""
    bus, orders, store = InMemoryEventBus(), Recorder(), MemoryWriter()
    store.events += recorded_ticks(50)
    started, go_on = asyncio.Event(), asyncio.Event()
    heard: list[BaseEvent] = []

    async def answer(event: BaseEvent) -> None:
        started.set()
        await go_on.wait()
        heard.append(event)
        await bus.publish(order(len(heard)))

    await bus.subscribe("order_*", orders)
    await bus.subscribe("tick", answer, start=START, store=MemoryReader(store, chunk=10))
    await started.wait()
    closed = await closing(bus)
    go_on.set()
    await closed
    assert heard == store.events
    assert orders.seen == list(range(1, 51))


async def test_a_handler_may_answer_into_its_own_full_queue_while_the_bus_closes() -> None:
    """Turned red by: handlers that wait for room while their bus closes."""
    bus = InMemoryEventBus()
    chain = Chain(bus, 3)
    await bus.subscribe("tick", chain, capacity=1)
    await bus.publish(tick(0))
    await chain.has_begun.wait()
    await bus.publish(tick(3))
    closed = await closing(bus)
    chain.go_on.set()
    await closed
    assert chain.seen == [0, 3, 1, 2, 3]
