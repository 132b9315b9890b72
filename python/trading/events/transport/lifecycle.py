"""Lifecycle: how far a bus is with its server: not started, started, closing, closed."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from trading.events.errors import ServerError
from trading.events.transport.base import Server, Transport
from trading.events.transport.work_until import work_until

_LOGGER = logging.getLogger("trading.events")


class Lifecycle:
    """Starts and closes the transport of a bus; work with the server ends when it is closed.

    Args:
        name: Name of the bus, for errors.
        server: The server, for errors.
        transport: The bus's transport over it.
        needs_server: False if the bus also does its work while the server is away.
    """

    def __init__(self, name: str, server: Server, transport: Transport, *, needs_server: bool) -> None:
        self._name = name
        self._server = server
        self._transport = transport
        self._needs_server = needs_server
        self._begins_without = False
        self._closed = asyncio.Event()
        self.is_started = False
        self.is_closing = False

    @property
    def is_closed(self) -> bool:
        """True once the connections are given up."""
        return self._closed.is_set()

    @property
    def is_live(self) -> bool:
        """True from the start until it is closed."""
        return self.is_started and not self.is_closed

    @property
    def endpoint(self) -> str:
        """Address of the server, for logs."""
        return self._server.endpoint

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """Exceptions by which the server refuses something."""
        return self._server.refusals

    def start(self) -> None:
        """Starts connecting, in the running loop, if the bus is neither started nor closing."""
        if not self.is_started and not self.is_closing:
            self.is_started = True
            self._transport.start()

    async def wait_connected(self) -> None:
        """Waits for the first connections; a bus that can do without waits for them once.

        Raises:
            ServerError: The server cannot be reached, or does not let this user in.
        """
        if self._begins_without:
            return
        try:
            await self._transport.wait_connected()
        except TimeoutError as late:
            told = f"{self._name}: no connection to {self.endpoint}: {late}"
            if self._needs_server:
                raise ServerError(told) from None
            self._begins_without = True
            _LOGGER.warning("%s; it begins without, and goes on connecting", told)
        except self.refusals as refusal:
            raise ServerError(f"{self._name}: {self.endpoint} refuses the connection: {refusal}") from None

    async def wait_subscribed(self) -> None:
        """Waits until the server has confirmed all that is wanted now, unless the bus can do without one that is away.

        Raises:
            ServerError: The server cannot be reached, or refuses it.
        """
        await self.wait_connected()
        if not self._needs_server and not self._transport.is_up:
            return
        try:
            await self._transport.wait_subscribed()
        except self.refusals as refusal:
            raise ServerError(f"{self._name}: {self.endpoint} refuses the subscription: {refusal}") from None

    async def work(self, work: Coroutine[Any, Any, object], *, timeout_s: float | None = None) -> bool:
        """Does work until the transport is closed, or the time is over. Returns whether it was done."""
        return await work_until(work, self._closed, timeout_s=timeout_s)

    async def close(self, rest: Coroutine[Any, Any, object], limit_s: float | None, part: Callable[[], object]) -> None:
        """Does the rest while there is time and nobody else closes the transport, and closes it.

        Args:
            rest: What is left to be done.
            limit_s: The loop's time until which it is waited for.
            part: Called before the connections are closed.
        """
        left_s = None if limit_s is None else max(0.0, limit_s - asyncio.get_running_loop().time())
        failure: Exception | None = None
        try:
            await self.work(rest, timeout_s=left_s)
        except Exception as failed:  # noqa: BLE001 - raised below, once the connections are closed
            failure = failed
        if self.is_closed:
            return
        self._closed.set()
        part()
        await self._transport.close()
        if failure is not None:
            raise failure
