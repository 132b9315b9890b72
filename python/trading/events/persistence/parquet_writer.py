"""ParquetEventWriter: records events in a journal, and as Parquet files."""

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

from trading.events.base import BaseEvent
from trading.events.errors import StoreClosedError, StoreError, StorePathError
from trading.events.persistence.base import CLOSED, IEventWriter
from trading.events.persistence.encoding import encode_row
from trading.events.persistence.feeds import Feed, Feeds
from trading.events.persistence.parquet.journal.journal import Recovery, open_journal
from trading.events.persistence.parquet.sealing.quarantine import SetApart, list_quarantined
from trading.events.persistence.parquet.sealing.rotation import RotationPolicy
from trading.events.persistence.parquet.sealing.sealer import Sealer
from trading.events.persistence.parquet.store.store_lock import lock_store

Durability = Literal["memory", "journal", "fsync"]
"""The failure that an event survives once `write_event` has returned: none, a killed process, a loss of power."""

_DISK_CHECK_S = 1.0


class ParquetEventWriter(IEventWriter):
    """Records events below one folder: in a journal at once, and as Parquet files when there are enough of them.

        async with ParquetEventWriter("data/events") as writer:
            await bus.subscribe("*", writer.write_event)

    When `write_event` returns, the event is in the journal: a process that is killed loses nothing. When `flush`
    returns it is on the disk: a loss of power loses nothing. A thread of its own seals the journal into files such as
    `base_path/2024/01/01/tick_binance_BTCUSDT.parquet`, as `rotation` says, after `flush(seal=True)` and at the end. An
    EventReader sees both, from any process, and each event once. What the last writer has left behind, however it
    ended, is sealed by the next one; `recovery` says what that was.

    When the disk refuses an event, being full, say, that is logged as an error, and `write_event` waits until the disk
    takes it: under a bus, events then wait in the queue of the subscription, under its overflow policy. When a sync
    fails, that is logged, `flush` raises it, and what it was for goes to a new segment of the journal.

    A row of which no column can be made, whatever its class raises, is quarantined in the journal, byte for byte; that
    is logged once, `set_apart` describes it, and everything else is sealed. A writer seals it when a class takes it.

    A writer that is not closed is closed when it is garbage collected or the interpreter ends. Its methods may be
    called from any event loop; in a forked child they raise.

    Args:
        base_path: The store's folder; made if it is missing.
        rotation: The limits at which files are made; by default `RotationPolicy()`.
        durability: The failure that an event survives once `write_event` has returned. `journal`, the default: the
            death of the process. `fsync`: a loss of power too; events that are written at the same time share a sync.
            `memory`: neither, for up to a second, which costs the caller no system call.

    Raises:
        StorePathError: `base_path` is a file, or cannot be written to.
        StoreLockedError: Another writer has it open.
        CorruptFileError: The journal cannot be read.
        ValueError: `durability` is none of the three.
    """

    def __init__(
        self,
        base_path: str | PathLike[str],
        *,
        rotation: RotationPolicy | None = None,
        durability: Durability = "journal",
    ) -> None:
        if durability not in get_args(Durability):
            raise ValueError(f"durability must be 'memory', 'journal' or 'fsync', not {durability!r}")
        self._base_path = Path(base_path).absolute()
        self._durability = durability
        policy = rotation or RotationPolicy()
        self._lock = lock_store(self._base_path)
        try:
            journal, self._recovery = open_journal(
                self._base_path,
                most_rows=policy.rows,
                most_bytes=policy.size_bytes,
                is_buffered=durability == "memory",
            )
        except OSError as error:
            self._lock.release()
            raise StorePathError(f"{self._base_path} cannot hold a store: {error}") from error
        except StoreError:
            self._lock.release()
            raise
        self._feeds = Feeds()
        self._sealer = Sealer(self._base_path, journal, policy, lock=self._lock)
        self._flusher = self._sealer.flusher
        self._take: Callable[[BaseEvent], bool] = journal.take_event if durability != "fsync" else _take_nothing
        self._finalizer = weakref.finalize(self, _close, self._sealer, os.getpid())

    def __repr__(self) -> str:
        state = "open" if self._lock.held and not self._sealer.closing else "closed"
        return f"<ParquetEventWriter to {str(self._base_path)!r}: {state}, durability {self._durability!r}>"

    @property
    def base_path(self) -> Path:
        """The store's folder, as an absolute path."""
        return self._base_path

    @property
    def store_id(self) -> tuple[str, Path]:
        """The kind of store, and its folder, links resolved."""
        return "parquet", self._base_path.resolve()

    @property
    def set_apart(self) -> list[SetApart]:
        """The events that are recorded, but cannot be sealed, by file and event type; they are read anew each time.

        Raises:
            StoreError: The journal cannot be read.
        """
        return list_quarantined(self._base_path)

    @property
    def recovery(self) -> Recovery:
        """The state in which the last writer left the journal."""
        return self._recovery

    async def write_event(self, event: BaseEvent) -> None:
        """Records one event; waits while the disk refuses it.

        Raises:
            NotAnEventError: It is no event.
            UnstorableEventError: A value of it cannot be stored exactly.
            StoreClosedError: The writer is closed.
            StoreError: With `fsync`: it is recorded, but not yet durable.
        """
        if self._sealer.closing or self._flusher.line or not self._take(event):
            self._check_open()
            await self._finish(self._flusher.append(encode_row(event)))

    async def write_batch(self, events: Iterable[BaseEvent]) -> None:
        """Records several events, all of them or, if it raises or is cancelled while it waits, none.

        Raises:
            NotAnEventError: One of them is no event.
            UnstorableEventError: A value of one of them cannot be stored exactly.
            StoreClosedError: The writer is closed.
            StoreError: With `fsync`: they are recorded, but not yet durable.
        """
        self._check_open()
        await self._finish(self._flusher.append_batch([encode_row(event) for event in events]))

    async def flush(self, *, seal: bool = False) -> None:
        """Returns when every event recorded so far is durable.

        Args:
            seal: Whether it must also be in a Parquet file, where other programs see it, or be quarantined.

        Raises:
            StoreClosedError: The writer is closed.
            StoreError: They are not. They are kept, and it is tried again.
        """
        self._check_open()
        await asyncio.wrap_future(self._sealer.seal() if seal else self._flusher.sync())

    def note_feed(self, feed: Feed) -> None:
        """Keeps a bus that hands its events to `write_event`, to have it drained before this closes."""
        self._feeds.add(feed)

    async def aclose(self) -> None:
        """Seals the journal, ends the threads and releases the store. Calling it again does nothing.

        Buses that have `write_event` as a handler are drained first, each for its `close_timeout_s` at most.

        Raises:
            StoreError: Events wait for the disk, or a file could not be written. The writer is still open, and nothing
                is lost yet.
        """
        if not self._lock.held:
            return
        if self._feeds:
            await self._drain_feeds()
        await self._check_disk()
        await asyncio.wrap_future(self._sealer.close())
        self._finalizer.detach()

    async def _drain_feeds(self) -> None:
        """Has all buses drained that record here. One whose events the disk refuses never would be."""
        draining = asyncio.ensure_future(self._feeds.drained())
        try:
            while not (await asyncio.wait([draining], timeout=_DISK_CHECK_S))[0]:
                await self._check_disk()
        finally:
            draining.cancel()
        draining.result()

    async def _check_disk(self) -> None:
        if self._flusher.waiting:
            await asyncio.wrap_future(self._flusher.sync())
            if waiting := self._flusher.waiting:
                raise StoreError(f"{waiting} events wait for the disk to take them; make room on it and close again")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _finish(self, refused: Future[None] | None) -> None:
        """Returns when the appended or refused rows are as durable as `durability` says."""
        if refused is not None:
            await asyncio.wrap_future(refused)
        if self._durability == "fsync":
            await asyncio.wrap_future(self._flusher.sync())

    def _check_open(self) -> None:
        if self._sealer.closing or not self._lock.held:
            raise StoreClosedError(CLOSED)


def _take_nothing(_event: BaseEvent) -> bool:
    """Takes no event: with `fsync` the slower way waits for each."""
    return False


def _close(sealer: Sealer, owner: int) -> None:
    """Closes a writer that was not closed; not in a forked child, and without waiting for its own thread."""
    if os.getpid() == owner:
        closed = sealer.close()
        if threading.current_thread() is not sealer.thread:
            closed.result()
