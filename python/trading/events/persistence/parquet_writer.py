"""ParquetEventWriter: records events as Parquet files."""

import asyncio
import os
import threading
import weakref
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

from trading.events.base import BaseEvent
from trading.events.errors import NotAnEventError, StorePathError
from trading.events.persistence.base import IEventWriter
from trading.events.persistence.part_writer import make_folder
from trading.events.persistence.recorder import Recorder, Taken
from trading.events.persistence.rotation import RotationPolicy
from trading.events.persistence.schema import event_schema
from trading.events.persistence.store_lock import StoreLock
from trading.events.persistence.waiting_events import WaitingEvents


class ParquetEventWriter(IEventWriter):
    """Records events as Parquet files below one folder, such as `base_path/2024/01/01/tick_binance_BTCUSDT.parquet`.

        async with ParquetEventWriter("data/events") as writer:
            await bus.subscribe("*", writer.write_event)

    Events are taken into memory, and a background thread makes files of them: as `rotation` says, after `flush`, and at
    the end. A file appears whole or not at all, and is never changed or replaced: what comes later for the same day and
    topic goes into a further one. A process that is killed loses what it has taken since the last `flush` or file.

    When the thread is behind, `write_event` waits, so memory stays bounded. If a file cannot be written, its events are
    kept and tried again every second, and the error is raised once by the next call; a call that raises has taken
    nothing.

    A writer that is not closed is closed when it is garbage collected or the interpreter ends. Its methods may be
    called from any event loop; in a forked child they raise.

    Args:
        base_path: The store's folder; made if it is missing.
        rotation: When files are made; by default `RotationPolicy()`.
        capacity: Most events that wait for the thread before `write_event` waits; a batch may exceed it. The default
            holds about 40 MB of ticks.

    Raises:
        StorePathError: `base_path` is a file, or cannot be written to.
        StoreLockedError: Another writer has it open.
        ValueError: `capacity` is not positive.
    """

    def __init__(
        self, base_path: str | PathLike[str], *, rotation: RotationPolicy | None = None, capacity: int = 20_000
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._base_path = Path(base_path).absolute()
        lock = _open_store(self._base_path)
        waiting = WaitingEvents(self._base_path, rotation or RotationPolicy())
        self._recorder = Recorder(waiting, lock, capacity=capacity)
        self._finalizer = weakref.finalize(self, _close, self._recorder, os.getpid())

    @property
    def base_path(self) -> Path:
        """The store's folder, as an absolute path."""
        return self._base_path

    async def write_event(self, event: BaseEvent) -> None:
        """Takes one event; waits if the background thread is behind.

        Raises:
            NotAnEventError: It is no event.
            UnstorableEventError: A value of it cannot be stored exactly.
            StoreClosedError: The writer is closed.
            StoreError: Events taken earlier could not be written.
        """
        await self._take([_render(event)])

    async def write_batch(self, events: Iterable[BaseEvent]) -> None:
        """Takes several events, all of them or, if it raises or is cancelled, none.

        Raises:
            NotAnEventError: One of them is no event.
            UnstorableEventError: A value of one of them cannot be stored exactly.
            StoreClosedError: The writer is closed.
            StoreError: Events taken earlier could not be written.
        """
        await self._take([_render(event) for event in events])

    async def flush(self) -> None:
        """Returns when every event taken so far is in a file, durably.

        Raises:
            StoreClosedError: The writer is closed.
            StoreError: A file could not be written.
        """
        await asyncio.wrap_future(self._recorder.flush())

    async def aclose(self) -> None:
        """Writes what still waits, ends the background thread and frees the store. Again, it does nothing.

        Raises:
            StoreError: A file could not be written. The writer is still open, and nothing is lost yet.
        """
        if self._recorder.is_here:
            await asyncio.wrap_future(self._recorder.close())
            self._finalizer.detach()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _take(self, taken: list[Taken]) -> None:
        while (room := self._recorder.offer(taken)) is not None:
            await asyncio.wrap_future(room)


def _open_store(base_path: Path) -> StoreLock:
    if base_path.exists() and not base_path.is_dir():
        raise StorePathError(f"{base_path} is a file; a store needs a folder")
    try:
        make_folder(base_path)
        return StoreLock(base_path)
    except OSError as error:
        raise StorePathError(f"{base_path} cannot hold a store: {error}") from error


def _render(event: BaseEvent) -> Taken:
    if not isinstance(event, BaseEvent):
        raise NotAnEventError(f"only events can be recorded, not {event!r}")
    return event, event_schema(type(event)).render(event)


def _close(recorder: Recorder, owner: int) -> None:
    """Closes what was not closed; not in a forked child, and without waiting for the very thread that does it."""
    if os.getpid() == owner:
        closed = recorder.close()
        if threading.current_thread() is not recorder.thread:
            closed.result()
