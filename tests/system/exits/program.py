"""A program that ends while its daemon threads are at work in one way. `python -m tests.system.exits.program WAY`."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.doubles import ticks
from trading.events import (
    BaseEvent,
    BusClosedError,
    InMemoryEventBus,
    QueueFullError,
    decode_event,
    encode_event,
)
from trading.events.persistence import ParquetEventWriter

THREADS = 3
EVENTS = ticks(range(64))


def busy(_event: BaseEvent) -> bool:
    """Python code that is long enough for another thread to take the interpreter in its midst."""
    return sum(range(300)) > 0


def asleep(_event: BaseEvent) -> bool:
    """What does not end before the interpreter does."""
    time.sleep(60)
    return True


def publish(bus: InMemoryEventBus) -> None:
    """Publishes until it is refused."""
    with suppress(BusClosedError):
        while True:
            for event in EVENTS:
                with suppress(QueueFullError):
                    bus.publish_nowait(event)


def query(bus: InMemoryEventBus) -> None:
    """Publishes and asks for what was published."""
    with suppress(BusClosedError, RuntimeError):
        while True:
            bus.publish_nowait(EVENTS[0])
            bus.history.query("tick", limit=50)


def encode(_bus: InMemoryEventBus) -> None:
    """Encodes and decodes."""
    with suppress(RuntimeError):
        while True:
            decode_event(encode_event(EVENTS[0]))


def in_main_loop(work: Callable[[InMemoryEventBus], None], condition: Callable[[BaseEvent], object] | None) -> None:
    """Daemon threads work beside the loop of the main thread."""
    bus = InMemoryEventBus(history=100)

    async def main() -> None:
        await bus.subscribe("tick", busy, condition, overflow="drop_oldest")
        await bus.subscribe("tick", busy, delivery="inline")
        for _ in range(THREADS):
            threading.Thread(target=work, args=(bus,), daemon=True).start()
        await asyncio.sleep(0.05)

    asyncio.run(main())


def in_other_loop(handler: Callable[[BaseEvent], object]) -> None:
    """The loop itself runs in a daemon thread."""
    bus, started = InMemoryEventBus(), threading.Event()

    async def main() -> None:
        await bus.subscribe("tick", handler)
        while True:
            await bus.publish_batch(EVENTS)
            started.set()

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    started.wait()
    time.sleep(0.05)


def fail(_event: BaseEvent) -> None:
    """A handler whose failures are reported all the time."""
    raise ValueError("this one fails")


def one_at_a_time() -> None:
    """The loop runs in a daemon thread, and a worker is started for each event."""
    bus, started = InMemoryEventBus(), threading.Event()

    async def main() -> None:
        await bus.subscribe("tick", busy)
        while True:
            await bus.publish(EVENTS[0])
            await bus.join()
            for _ in range(3):
                await asyncio.sleep(0)
            started.set()

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    started.wait()
    time.sleep(0.05)


def record(folder: Path) -> None:
    """Daemon threads write to a store."""

    def write(writer: ParquetEventWriter) -> None:
        with suppress(Exception):
            while True:
                for event in EVENTS:
                    asyncio.run(writer.write_event(event))

    writer = ParquetEventWriter(folder)
    for _ in range(THREADS):
        threading.Thread(target=write, args=(writer,), daemon=True).start()
    time.sleep(0.1)


WAYS: dict[str, Callable[[], None]] = {
    "plain": lambda: in_main_loop(publish, None),
    "filter": lambda: in_main_loop(publish, busy),
    "sleeping filter": lambda: in_main_loop(publish, asleep),
    "history": lambda: in_main_loop(query, None),
    "codec": lambda: in_main_loop(encode, None),
    "loop": lambda: in_other_loop(busy),
    "sleeping loop": lambda: in_other_loop(asleep),
    "failing handler in a loop": lambda: in_other_loop(fail),
    "one event at a time in a loop": one_at_a_time,
}
"""What daemon threads are at when the interpreter ends."""


if __name__ == "__main__":
    if sys.argv[1] == "journal":
        with TemporaryDirectory() as folder:
            record(Path(folder))
    else:
        WAYS[sys.argv[1]]()
