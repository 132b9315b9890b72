"""ReconnectingConnection: a connection that is made again whenever it is lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from redis.backoff import ExponentialWithJitterBackoff

from trading.events.transport.redis.connection import LOST, REFUSED, Connection
from trading.events.transport.redis.connector import Connector
from trading.events.transport.reports import Announce
from trading.events.transport.tasks import loop_runs, start_task

_LOGGER = logging.getLogger("trading.events")

_FIRST_BACKOFF_S = 0.05
_LONGEST_BACKOFF_S = 2.0


class ReconnectingConnection:
    """Connects, runs a session on the connection, and connects again when that was lost.

    Args:
        connector: Makes the connections.
        session: What is done with a connection. It ends only by raising, or when it is cancelled.
        announce: Told when a connection that stood is lost, of each new attempt, and when one stands again.
        name: For tasks and logs.
    """

    def __init__(
        self,
        connector: Connector,
        session: Callable[[Connection, Callable[[], None]], Awaitable[None]],
        *,
        announce: Announce,
        name: str,
    ) -> None:
        self._connector = connector
        self._session = session
        self._announce = announce
        self._name = name
        self._backoff = ExponentialWithJitterBackoff(base=_FIRST_BACKOFF_S, cap=_LONGEST_BACKOFF_S)
        self._failures = 0
        self._stood = asyncio.Event()
        self.is_up = False
        self.reconnects = 0
        self.refusal: BaseException | None = None
        self._reason: str | None = None
        self._changed = asyncio.Event()
        self._task = start_task(self._run(), name)

    async def wait_connected(self, timeout_s: float) -> None:
        """Waits for the first connection.

        Raises:
            TimeoutError: There was none in time, for this reason.
            One of REFUSED: The server does not want this user, or this URL.
        """
        if self._stood.is_set():
            return
        try:
            async with asyncio.timeout(timeout_s):
                while not self.is_up:
                    if self.refusal is not None:
                        raise self.refusal
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(self._reason or self._connector.silence()) from None

    async def connected(self) -> None:
        """Waits for the first connection, however long it takes."""
        await self._stood.wait()

    async def close(self) -> None:
        """Ends the session and the connection."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            try:
                await self._live()
            except (*LOST, *REFUSED) as lost:
                self._note_loss(lost)
            except Exception as unforeseen:
                if not loop_runs():
                    return
                _LOGGER.exception("%s: an error that was not foreseen; connecting again", self._name)
                self._note_loss(unforeseen)
            await asyncio.sleep(self._backoff.compute(min(self._failures, 16)))

    async def _live(self) -> None:
        connection = await self._connector.connect()
        try:
            await self._session(connection, self._stands)
        except BaseException:
            self.is_up = False
            if loop_runs():
                await connection.close()
            raise

    def _stands(self) -> None:
        """The session calls this when it has what it needs from the server."""
        attempt, self._failures, self.is_up, self.refusal = self._failures, 0, True, None
        if self._stood.is_set():
            self.reconnects += 1
            self._announce("connected", reason=None, attempt=max(attempt, 1))
        self._stood.set()
        self._changed.set()

    def _note_loss(self, lost: BaseException) -> None:
        self._failures += 1
        if isinstance(lost, REFUSED):
            self.refusal = lost
        status = "disconnected" if self._failures == 1 and self._stood.is_set() else "reconnecting"
        self._reason = str(lost) or type(lost).__name__
        self._announce(
            status, reason=f"{type(lost).__name__}: {lost}" if str(lost) else self._reason, attempt=self._failures
        )
        self._changed.set()
