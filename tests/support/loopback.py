"""A transport without a server: events are encoded, decoded, and handed back. It does the least that one has to."""

import asyncio

from trading.events.base import BaseEvent
from trading.events.codec import decode_event, encode_event
from trading.events.transport.base import BusSide


class LoopbackTransport:
    """Encodes what is in the outbox, decodes it, and hands it on to the same bus."""

    pending_entries = None
    reconnects = 0
    repeated = 0
    heard_of_others = 0
    is_up = True
    is_subscribed = True
    is_delivering = False

    def __init__(self, bus: BusSide) -> None:
        self.room = asyncio.Event()
        self._bus = bus
        self._sent = 0
        self._progress = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._carry())

    async def _carry(self) -> None:
        while True:
            await self._bus.outbox.wait()
            while events := self._bus.outbox.take():
                await asyncio.sleep(0)
                self._hand_on([decode_event(encode_event(event)) for event in events])
                async with self._progress:
                    self._sent += len(events)
                    self._bus.outbox.settled = self._sent
                    self._progress.notify_all()

    def _hand_on(self, events: list[BaseEvent]) -> None:
        if self._bus.is_heard():
            self._bus.deliver(events)

    async def confirmed(self, count: int) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: self._sent >= count)

    async def flush(self, *, is_heard: bool) -> bool:
        await self.confirmed(self._bus.outbox.collected)
        return True

    @property
    def is_idle(self) -> bool:
        return self._sent == self._bus.outbox.collected

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def hear_only_itself(self) -> None:
        """There are no others."""

    async def wait_connected(self) -> None:
        """There is nothing to connect to."""

    wait_subscribed = delivered = leave = acknowledge = wait_connected


class LoopbackServer:
    """The server of such a transport."""

    endpoint = "loopback://"
    refusals: tuple[type[Exception], ...] = ()

    def transport(self, bus: BusSide) -> LoopbackTransport:
        return LoopbackTransport(bus)
