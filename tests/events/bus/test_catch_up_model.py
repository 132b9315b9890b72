"""Catching up with a store, beside a plain list, for any order of what may happen."""

import asyncio
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.events.bus.memory_store import MemoryReader, MemoryWriter
from tests.support.doubles import assert_balanced, turns
from tests.support.recording import START, tick
from trading.events import BaseEvent, InMemoryEventBus, TickEvent, symbol_filter

SPAN_S = 20
PUBLISHES = st.tuples(st.just("publish"), st.sampled_from("AB"), st.integers(0, SPAN_S))
SUBSCRIBES = st.tuples(
    st.just("subscribe"), st.sampled_from(["all", "pattern", "filter", "function"]), st.integers(0, SPAN_S)
)
STEPS = PUBLISHES | SUBSCRIBES | st.tuples(st.sampled_from(["record", "turn"]), st.integers(1, 9))


def is_a(event: BaseEvent) -> bool:
    return isinstance(event, TickEvent) and event.symbol == "A"


WANTS: dict[str, tuple[str, Any]] = {
    "all": ("tick", None),
    "pattern": ("events.tick.*.A", None),
    "filter": ("*", symbol_filter("A")),
    "function": ("tick", is_a),
}


class Model:
    """What has been published, and what each late subscription is to hear."""

    def __init__(self) -> None:
        self.published: list[TickEvent] = []
        self.expected: list[tuple[str, list[TickEvent]]] = []

    def publish(self, event: TickEvent) -> None:
        self.published.append(event)
        for wanted, expected in self.expected:
            if wanted == "all" or is_a(event):
                expected.append(event)

    def subscribe(self, wanted: str, start: Any) -> None:
        earlier = [event for event in self.published if event.timestamp >= start and (wanted == "all" or is_a(event))]
        self.expected.append((wanted, sorted(earlier, key=lambda event: event.timestamp)))


@given(
    recorded=st.integers(0, 5),
    chunk=st.integers(1, 4),
    unpacked=st.integers(0, 3),
    program=st.lists(STEPS, max_size=40),
)
def test_late_subscriptions_hear_what_a_list_says(
    recorded: int, chunk: int, unpacked: int, program: list[tuple[Any, ...]]
) -> None:
    """Turned red by: a gap, a double or a swap at the seam, wherever the recorder is then."""

    async def main() -> None:
        model, writer = Model(), MemoryWriter(is_held_up=True)
        heard: list[list[BaseEvent]] = []
        async with InMemoryEventBus() as bus:
            bus._pack_beyond(unpacked)
            for number in range(recorded):
                model.publish(event := tick(number, event_id=f"old-{number}"))
                writer.events.append(event)
            await bus.subscribe("*", writer.write_event)
            for number, (what, *arguments) in enumerate(program):
                match what:
                    case "publish":
                        model.publish(event := tick(number, symbol=arguments[0], after_s=arguments[1]))
                        bus.publish_nowait(event)
                    case "subscribe":
                        start = START + timedelta(seconds=arguments[1])
                        model.subscribe(arguments[0], start)
                        heard.append([])
                        pattern, condition = WANTS[arguments[0]]
                        reader = MemoryReader(writer, chunk=chunk)
                        await bus.subscribe(pattern, heard[-1].append, condition, start=start, store=reader)
                    case "record":
                        writer.let_pass(arguments[0])
                    case _:
                        await turns(arguments[0])
            writer.open()
            await bus.join()
            assert heard == [expected for _, expected in model.expected]
            assert_balanced(bus)

    asyncio.run(main())
