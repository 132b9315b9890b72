"""aiopubsub's Hub: an unbounded asyncio.Queue a listener, and a new task for each event taken out of it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiopubsub import Hub, Key, Publisher, Subscriber

from benchmarks.peers.engine import Engine, Handler, Running, Starting


def _with_key(handler: Handler) -> Callable[[Key, Any], Any]:
    def listen(_: Key, event: Any) -> Any:
        return handler(event)

    return listen


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    hub = Hub()
    subscribers = [Subscriber(hub, str(place)) for place in range(len(handlers))]
    for subscriber, handler in zip(subscribers, handlers, strict=True):
        subscriber.add_async_listener(Key("events", "tick", "*"), _with_key(handler))
    topic = Key("tick", "binance", "BTC/USDT")

    async def drain() -> None:
        while any(waiting for sizes in hub.get_all_subscriber_queue_sizes().values() for waiting in sizes):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)

    yield Running(publish=partial(Publisher(hub, "events").publish, topic), drain=drain)
    for subscriber in subscribers:
        await subscriber.remove_all_listeners()


ENGINE = Engine(
    title="aiopubsub, Hub",
    start=_start,
    distribution="aiopubsub",
    awaits_publish=False,
    burst_events=20_000,
    lacks="a bound, a way to wait until all is handled; a handler that raises ends its listener for good",
)
