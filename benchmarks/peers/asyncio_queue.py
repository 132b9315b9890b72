"""An unbounded asyncio.Queue and a worker task for each handler: what one writes without a library."""

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.peers.engine import Engine, Handler, Running, Starting


async def _work(queue: asyncio.Queue[Any], handler: Handler) -> None:
    while True:
        event = await queue.get()
        await handler(event)
        queue.task_done()


@asynccontextmanager
async def _start(handlers: Sequence[Handler]) -> Starting:
    queues: list[asyncio.Queue[Any]] = [asyncio.Queue() for _ in handlers]
    workers = [asyncio.create_task(_work(queue, handler)) for queue, handler in zip(queues, handlers, strict=True)]

    async def put_in_each(event: Any) -> None:
        for queue in queues:
            await queue.put(event)

    async def join_all() -> None:
        for queue in queues:
            await queue.join()

    yield Running(publish=queues[0].put if len(queues) == 1 else put_in_each, drain=join_all)
    for worker in workers:
        worker.cancel()


ENGINE = Engine(
    title="asyncio.Queue and a worker",
    start=_start,
    lacks="routing, and a bound as it is used here; a handler that raises ends its worker, unless you catch",
)
