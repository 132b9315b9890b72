"""Draining: a bus over a server waits for what is under way, at the server and locally."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from trading.events.transport.arrivals import Arrivals
from trading.events.transport.base import Transport
from trading.events.transport.lifecycle import Lifecycle
from trading.events.transport.local_bus import LocalBus
from trading.events.transport.outbox import Outbox


class OutboxQueue(Protocol):
    """The queue before the outbox."""

    @property
    def unfinished(self) -> int:
        """The number of events that were accepted and are not in the outbox."""
        ...

    async def emptied(self) -> None:
        """Returns when all that was accepted is in the outbox."""


class Draining:
    """The parts of a bus that events pass through, and their order.

    Args:
        local: The bus's local half.
        lifecycle: How far the bus is with its server.
        transport: The way over it.
        outbox: Events on their way to it.
        arrivals: Events that came from it.
        queue: What is before the outbox.
        is_heard: Returns whether an event sent now is to be heard here.
    """

    def __init__(
        self,
        *,
        local: LocalBus,
        lifecycle: Lifecycle,
        transport: Transport,
        outbox: Outbox,
        arrivals: Arrivals,
        queue: OutboxQueue,
        is_heard: Callable[[], bool],
    ) -> None:
        self._local = local
        self._lifecycle = lifecycle
        self._transport = transport
        self._outbox = outbox
        self._arrivals = arrivals
        self._queue = queue
        self._is_heard = is_heard

    @property
    def unsent(self) -> int:
        """How many events were accepted that the server does not have."""
        return self._queue.unfinished + self._outbox.collected - self._outbox.settled

    async def flush(self) -> bool:
        """Waits until the server has what was accepted, and what is heard of it here was handed on.

        Returns:
            Whether that is so: what there is no room for here is not waited for.
        """
        await self._queue.emptied()
        return await self._transport.flush(is_heard=self._is_heard())

    async def connect_and_work_off(self) -> None:
        """Waits for the first connections, and until nothing is under way."""
        await self._lifecycle.wait_connected()
        await self.work_off()

    async def work_off(self) -> None:
        """Waits until nothing is under way.

        While it closes, the bus follows what its own handlers publish, but not for as long as others send it more.
        """
        while True:
            collected, heard = self._outbox.collected, self._transport.heard_of_others
            has_come = await self.flush()
            await self._local.handled()
            if self._transport.is_delivering:
                await self._transport.delivered()
            elif not has_come:
                await asyncio.sleep(0)  # who was granted room takes it in a turn of the loop
            elif collected != self._outbox.collected and not (
                self._lifecycle.is_closing and heard != self._transport.heard_of_others
            ):
                continue
            elif not self._queue.unfinished and self._transport.is_idle and not self._arrivals.are_waiting:
                await self._transport.acknowledge()
                return

    async def work_off_and_leave(self) -> None:
        """Waits until nothing is under way, hears no more of others, and waits for what that has left."""
        self._transport.hear_only_itself()
        heard = self._transport.heard_of_others
        await self.work_off()
        while heard == self._transport.heard_of_others and (reader_done := self._local.reader_done()) is not None:
            await reader_done
            await self.work_off()
        await self._transport.leave()
        await self.work_off()
        while self._local.is_busy:
            await self._local.work_off()
            await self.work_off()
