"""A process of its own: opens a store, replays it through a bus, and prints the fingerprint of each event it hears.

The demo runs it as `python -m trading.events.cli.demo.replica STORE` and compares what it prints with the original.
"""

import asyncio
import signal
import sys

from trading.events.base import BaseEvent
from trading.events.cli.demo.fingerprint import fingerprint
from trading.events.memory_bus import InMemoryEventBus
from trading.events.persistence import EventReader


def print_fingerprint(event: BaseEvent) -> None:
    """The handler."""
    sys.stdout.write(f"{fingerprint(event)}\n")


async def replay(store: str) -> None:
    """Replays all that a store holds, without waiting between the events.

    Raises:
        StoreError: The store cannot be read.
    """
    async with InMemoryEventBus(name="replica") as bus:
        await bus.subscribe("*", print_fingerprint)
        await EventReader(store).replay(bus, speed=None)
        await bus.join()


if __name__ == "__main__":
    # Without a reader of what it prints there is nothing left to do.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    asyncio.run(replay(sys.argv[1]))
