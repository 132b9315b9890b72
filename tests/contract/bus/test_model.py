"""The whole bus against a naive model of it, over random programs."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.doubles import assert_balanced, dropped, number_of, tick, turns
from trading.events import BaseEvent
from trading.events.errors import BusClosedError, QueueFullError

from . import model
from .conftest import RunMain

OVERFLOWS = ["block", "drop_oldest", "drop_newest", "conflate", "raise"]
SYMBOLS = st.sampled_from("ABC")
PLACES = st.integers(0, 7)
SUBSCRIBE = st.tuples(st.just("subscribe"), st.sets(SYMBOLS, min_size=1), st.integers(1, 3), st.sampled_from(OVERFLOWS))
STEPS = st.one_of(
    SUBSCRIBE,
    st.tuples(st.just("publish"), SYMBOLS),
    st.tuples(st.just("publish"), SYMBOLS),
    st.tuples(st.just("publish_nowait"), SYMBOLS),
    st.tuples(st.just("publish_batch"), st.lists(SYMBOLS, max_size=5)),
    st.tuples(st.just("publish_in_handler"), PLACES, SYMBOLS),
    st.tuples(st.just("finish"), PLACES, st.sampled_from(["handled", "handled", "failed"])),
    st.tuples(st.just("finish"), PLACES, st.just("handled")),
    st.tuples(st.just("cancel"), PLACES),
    st.tuples(st.just("unsubscribe"), PLACES, st.booleans()),
    st.tuples(st.just("unsubscribe"), PLACES, st.booleans()),
    st.tuples(st.just("begin_to_close")),
)
PROGRAMS = st.builds(list.__add__, st.lists(SUBSCRIBE, min_size=1, max_size=4), st.lists(STEPS, max_size=40))


@pytest.fixture
def hang_limit_s() -> float:
    return 300.0


class Puppet:
    """A handler that is suspended with each event until it is told what to do."""

    def __init__(self, bus: Any, mine: model.Subscription) -> None:
        self.bus = bus
        self.model = mine
        self.sid = ""
        self.drain: asyncio.Task[None] | None = None
        self.at: int | None = None
        self._orders: asyncio.Queue[Any] = asyncio.Queue()
        self._replies: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, event: BaseEvent) -> None:
        self.at = number_of(event)
        try:
            while (order := await self._orders.get()) not in {"handled", "failed"}:
                try:
                    await self.bus.publish(order)
                except QueueFullError:
                    self._replies.put_nowait("full")
                else:
                    self._replies.put_nowait("taken")
            if order == "failed":
                raise ValueError(order)
        finally:
            self.at = None

    def finish(self, outcome: str) -> None:
        self._orders.put_nowait(outcome)

    async def publish(self, event: BaseEvent) -> str:
        self._orders.put_nowait(event)
        return await self._replies.get()


class Both:
    """One program, carried out on a bus and on the model; what differs is an assertion error."""

    def __init__(self, bus: Any) -> None:
        self.bus = bus
        self.model = model.Bus()
        self.puppets: list[Puppet] = []
        self.publishers: list[tuple[asyncio.Task[None], model.Publisher]] = []
        self.numbers = iter(range(1_000_000))
        self.closing: asyncio.Task[None] | None = None

    async def step(self, name: str, *arguments: Any) -> None:
        await getattr(self, name)(*arguments)
        await turns(25)
        self.compare()

    def chosen(self, place: int) -> Puppet | None:
        busy = [puppet for puppet in self.puppets if puppet.model.busy is not None]
        return busy[place % len(busy)] if busy else None

    async def subscribe(self, symbols: set[str], capacity: int, overflow: str) -> None:
        if self.model.is_closing:
            return
        own = f"OWN{next(self.numbers)}"
        symbols = symbols | {own}
        mine = self.model.subscribe(symbols, capacity, overflow)
        puppet = Puppet(self.bus, mine)
        puppet.sid = await self.bus.subscribe(
            "tick", puppet, lambda event: event.symbol in symbols, capacity=capacity, overflow=overflow, name=own
        )
        self.puppets.append(puppet)
        await self.occupy(puppet)

    async def occupy(self, puppet: Puppet) -> None:
        """Suspends a handler with an event of its subscription's own symbol: no queue is ever idle."""
        (own,) = puppet.model.symbols - set("ABC")
        number = next(self.numbers)
        self.bus.publish_nowait(tick(number, symbol=own))
        self.model.publish([(number, own)], way="nowait")
        self.model.take(puppet.model)

    async def publish(self, symbol: str) -> None:
        await self.publish_batch([symbol])

    async def publish_batch(self, symbols: list[str]) -> None:
        items = [(next(self.numbers), symbol) for symbol in symbols]
        events = [tick(number, symbol=symbol) for number, symbol in items]

        async def publish() -> None:
            if len(events) == 1:
                await self.bus.publish(events[0])
            else:
                await self.bus.publish_batch(events)

        self.publishers.append((asyncio.create_task(publish()), self.model.publish(items)))

    async def publish_nowait(self, symbol: str) -> None:
        number = next(self.numbers)
        try:
            self.bus.publish_nowait(tick(number, symbol=symbol))
        except BusClosedError:
            outcome = "closed"
        except QueueFullError:
            outcome = "full"
        else:
            outcome = "taken"
        assert self.model.publish([(number, symbol)], way="nowait").outcome == outcome

    async def publish_in_handler(self, place: int, symbol: str) -> None:
        if (puppet := self.chosen(place)) is not None:
            number = next(self.numbers)
            outcome = await puppet.publish(tick(number, symbol=symbol))
            assert self.model.publish([(number, symbol)], way="urgent", by=puppet.model).outcome == outcome

    async def begin_to_close(self) -> None:
        if self.closing is None:
            self.closing = asyncio.create_task(self.bus.aclose())
            self.model.close()

    async def finish(self, place: int, outcome: str) -> None:
        if (puppet := self.chosen(place)) is None:
            return
        puppet.finish(outcome)
        self.model.finish(puppet.model, outcome)
        if puppet.model not in self.model.subscriptions:
            self.puppets.remove(puppet)
        elif puppet.model.busy is None and not self.model.is_closing:
            await turns(25)
            await self.occupy(puppet)

    async def cancel(self, place: int) -> None:
        waiting = [(task, publisher) for task, publisher in self.publishers if publisher in self.model.line]
        if waiting:
            task, publisher = waiting[place % len(waiting)]
            task.cancel()
            self.model.cancel(publisher)

    async def unsubscribe(self, place: int, drain: bool) -> None:  # noqa: FBT001 - a step's arguments are positional
        puppet = self.chosen(place)
        if puppet is None or puppet.model.ending:
            return
        if drain:
            puppet.drain = asyncio.create_task(self.bus.unsubscribe(puppet.sid, drain=True))
        else:
            await self.bus.unsubscribe(puppet.sid)
        self.model.unsubscribe(puppet.model, drain=drain)

    def compare(self) -> None:
        assert_balanced(self.bus)
        statistics = self.bus.statistics()
        assert statistics.published - statistics.unrouted == self.model.heard
        assert statistics.publishers_waiting == len(self.model.line)
        assert dict(self.retired(statistics)) == dict(self.model.retired)
        for puppet in self.puppets:
            assert puppet.at == puppet.model.busy
            if puppet.sid in statistics.subscriptions:
                self.compare_account(statistics.subscriptions[puppet.sid], puppet.model)
        for task, publisher in self.publishers:
            assert outcome_of(task) == publisher.outcome if publisher.rest or publisher.item[1] else task.done()

    @staticmethod
    def retired(statistics: Any) -> dict[str, int]:
        account = statistics.retired
        counts = {name: getattr(account, name) for name in ("accepted", "handled", "failed", "over_capacity")}
        return {name: count for name, count in (counts | dict(account.dropped)).items() if count}

    @staticmethod
    def compare_account(account: Any, mine: model.Subscription) -> None:
        counts = mine.counts
        assert (account.accepted, account.handled, account.failed) == tuple(
            counts[name] for name in ("accepted", "handled", "failed")
        )
        losses = ("drop_oldest", "drop_newest", "conflate", "unsubscribed")
        assert dropped(account) == {name: counts[name] for name in losses if counts[name]}
        assert (account.queued, account.high_water) == (len(mine.queue), mine.high_water)
        assert account.over_capacity == counts["over_capacity"]

    async def close(self) -> None:
        await self.bus.aclose(timeout_s=0)
        drains = [puppet.drain for puppet in self.puppets if puppet.drain is not None]
        if self.closing is not None:
            drains.append(self.closing)
        await asyncio.gather(*drains, *(task for task, _ in self.publishers), return_exceptions=True)

    def compare_end(self) -> None:
        for task, publisher in self.publishers:
            assert publisher not in self.model.line or isinstance(task.exception(), BusClosedError)
        assert_balanced(self.bus)
        accounts = self.bus.statistics().subscriptions
        for puppet in self.puppets:
            if puppet.sid in accounts:
                assert accounts[puppet.sid].dropped["closed"] == len(puppet.model.queue)
                assert accounts[puppet.sid].dropped["cancelled"] == (puppet.model.busy is not None)


def outcome_of(task: "asyncio.Task[None]") -> str:
    if not task.done():
        return "waits"
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    if isinstance(error, BusClosedError):
        return "closed"
    assert error is None or isinstance(error, QueueFullError)
    return "taken" if error is None else "full"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=PROGRAMS)
def test_the_bus_does_what_the_model_does(
    bus_type: Callable[..., Any], run: RunMain, program: list[tuple[Any, ...]]
) -> None:
    """Turned red by: any change to when an event is let in, dropped, refused or kept waiting."""

    async def main() -> None:
        both = Both(bus_type())
        try:
            for step in program:
                await both.step(*step)
        finally:
            await both.close()
        both.compare_end()

    run(main())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32), queues=st.lists(st.tuples(st.integers(1, 4), st.sampled_from(OVERFLOWS)), max_size=5)
)
def test_nothing_is_lost_or_reordered_while_everything_runs(
    bus_type: Callable[..., Any], run: RunMain, seed: int, queues: list[tuple[int, str]]
) -> None:
    """Turned red by: any change that loses, doubles or reorders an event while handlers and publishers interleave."""
    chance = random.Random(seed)
    accepted: list[int] = []

    async def main() -> None:
        bus = bus_type()
        seen: list[list[int]] = []
        sids: list[str] = []

        def handler(mine: list[int]) -> Callable[[BaseEvent], Any]:
            async def handle(event: BaseEvent) -> None:
                mine.append(number_of(event))
                await turns(chance.randrange(3))
                if chance.random() < 0.1:
                    raise ValueError("by chance")

            return handle

        for capacity, overflow in queues:
            seen.append([])
            sids.append(await bus.subscribe("tick", handler(seen[-1]), capacity=capacity, overflow=overflow))

        async def publisher(base: int) -> None:
            for number in range(base, base + 20):
                try:
                    await bus.publish(tick(number, symbol=chance.choice("AB")))
                except QueueFullError:
                    continue
                accepted.append(number)
                await turns(chance.randrange(2))

        tasks = [asyncio.create_task(publisher(base)) for base in (0, 100, 200)]
        await turns(chance.randrange(10))
        if chance.random() < 0.3:
            tasks[0].cancel()
        await asyncio.wait(tasks)
        assert_balanced(bus)
        await bus.aclose()
        assert_balanced(bus)
        statistics = bus.statistics()
        assert statistics.waiting == 0
        for sid, (_, overflow), mine in zip(sids, queues, seen, strict=True):
            account = statistics.subscriptions[sid]
            assert account.accepted == statistics.published - statistics.unrouted
            assert account.handled + account.failed == len(mine) == len(set(mine))
            if overflow in {"block", "raise"}:
                assert len(mine) == account.accepted
                assert set(accepted) <= set(mine)
            if overflow != "conflate":
                for base in (0, 100, 200):
                    own = [number for number in mine if number // 100 == base // 100]
                    assert own == sorted(own)

    run(main())
