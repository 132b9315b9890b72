"""A publisher or a consumer as a process of its own, that can be killed.

`publisher URL FIRST` publishes ticks from number FIRST on and prints the number of each when its publish has returned.
`consumer URL FILE` handles them as a member of a group, and writes a line for each to FILE: its number, and 1 if it
was told that it may have been handled before.
"""

import asyncio
import os
import sys
from pathlib import Path

from tests.support.doubles import number_of, tick
from trading.events import BaseEvent, RedisEventBus, is_redelivered

OPTIONS = {"mode": "streams", "reply_timeout_s": 0.5, "connect_timeout_s": 5.0, "namespace": "chaos"}


async def publish(url: str, first: int) -> None:
    """Publishes until it is killed."""
    async with RedisEventBus(url, **OPTIONS) as bus:
        number = first
        while True:
            batch = [tick(number + step) for step in range(10)]
            await bus.publish_batch(batch)
            for event in batch:
                os.write(1, b"%d\n" % number_of(event))
            number += len(batch)


async def consume(url: str, path: Path) -> None:
    """Handles until it is killed."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle(event: BaseEvent) -> None:
        is_flagged = is_redelivered()
        if number_of(event) % 7 == 0:
            await asyncio.sleep(0)
        os.write(log, b"%d %d\n" % (number_of(event), is_flagged))

    bus = RedisEventBus(url, group="g", start="beginning", claim_idle_s=0.3, max_deliveries=1000, **OPTIONS)
    bus.on("tick")(handle)
    async with bus:
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    role, url, argument = sys.argv[1:]
    asyncio.run(publish(url, int(argument)) if role == "publisher" else consume(url, Path(argument)))
