"""A process that publishes on a server for ever, in both modes: `python -m tests.system.interrupts.publisher URL`."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen

from tests.support.classes.samples import sample
from trading.events import RedisEventBus
from trading.events.market_data import TradeEvent

_PAUSE_S = 0.005


async def publish(url: str) -> None:
    """Publishes until it is killed."""
    async with RedisEventBus(url) as channels, RedisEventBus(url, mode="streams") as streams:
        sys.stdout.write("publishing\n")
        sys.stdout.flush()
        while True:
            event = sample(TradeEvent)
            await channels.publish(event)
            await streams.publish(event)
            await asyncio.sleep(_PAUSE_S)


@contextmanager
def publishing(url: str) -> Iterator[None]:
    """Has such a process publish within the block."""
    with Popen([sys.executable, "-m", "tests.system.interrupts.publisher", url], stdout=PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(publish(sys.argv[1]))
