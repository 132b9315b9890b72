"""Connections that redis-py reads itself, where it keeps its socket elsewhere than it used to."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.exceptions import ResponseError

from trading.events.transport.redis.connection import TURN_COST, Command, Connection, pack
from trading.events.transport.tasks import end_tasks, start_task


class RelayedConnection(Connection):
    """A connection used by what redis-py promises alone: slower than a direct one, by a task for each direction."""

    def __init__(self, opened: Any) -> None:
        super().__init__(opened)
        self._unsent: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks = [start_task(self._until_lost(work), "trading-events relay") for work in (self._write, self._read)]

    def send(self, commands: Sequence[Command]) -> None:
        """Has commands written, in their order."""
        if not self.lost.done():
            self._unsent.put_nowait(pack(commands))

    async def _until_lost(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as failure:  # noqa: BLE001 - its session raises it
            self.lose(failure)

    async def _write(self) -> None:
        while True:
            await self._opened.send_packed_command(await self._unsent.get(), check_health=False)

    async def _read(self) -> None:
        left = TURN_COST
        while True:
            message = await self._next_message()
            left -= self._take(message)
            if left <= 0:
                await asyncio.sleep(0)
                left = TURN_COST

    async def _next_message(self) -> Any:
        try:
            return await self._opened.read_response(disable_decoding=True)
        except ResponseError as refusal:
            return refusal

    def _end(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Ends the connection and its tasks."""
        await super().close()
        await end_tasks(*self._tasks)
