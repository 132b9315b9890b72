"""The stores, each with a writer, and a way to read back all that it holds."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Self

from tests.support.stores.influxdb import InfluxServer, read_events
from trading.events.base import BaseEvent
from trading.events.persistence import (
    ArcticEventReader,
    ArcticEventWriter,
    EventReader,
    InfluxEventWriter,
    ParquetEventWriter,
)

ARCTIC_BYTES = 256 * 2**20


class Writer(Protocol):
    """What every writer offers."""

    async def write_event(self, event: BaseEvent) -> None: ...
    async def write_batch(self, events: Iterable[BaseEvent]) -> None: ...
    async def flush(self) -> None: ...
    async def aclose(self) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *error: Any) -> None: ...


class Store(ABC):
    """A store that is empty at first."""

    first = datetime.min.replace(tzinfo=UTC)
    last = datetime.max.replace(tzinfo=UTC)
    """The first and the last moment that it can hold."""

    orders_topics = True
    """Whether the order of recording holds across topics too."""

    @abstractmethod
    def writer(self) -> Writer:
        """A writer of it."""

    @abstractmethod
    def read(self) -> list[BaseEvent]:
        """All that it holds, by time and order of recording."""


class ParquetStore(Store):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def writer(self) -> Writer:
        return ParquetEventWriter(self._folder)

    def read(self) -> list[BaseEvent]:
        return list(EventReader(self._folder).read_range())


class InfluxStore(Store):
    first = datetime(1677, 9, 21, 0, 12, 43, 145225, tzinfo=UTC)
    last = datetime(2262, 4, 11, 23, 47, 16, 854774, tzinfo=UTC)
    orders_topics = False

    def __init__(self, server: InfluxServer) -> None:
        self._server = server
        self._target = server.make_database()

    def writer(self) -> Writer:
        return InfluxEventWriter(self._target)

    def read(self) -> list[BaseEvent]:
        return read_events(self._server, self._target)


class ArcticStore(Store):
    first = datetime(1677, 9, 21, 0, 12, 43, 145225, tzinfo=UTC)
    last = datetime(2262, 4, 11, 23, 47, 16, 854775, tzinfo=UTC)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def writer(self) -> Writer:
        return ArcticEventWriter(self._folder, capacity_bytes=ARCTIC_BYTES)

    def read(self) -> list[BaseEvent]:
        return list(ArcticEventReader(self._folder, capacity_bytes=ARCTIC_BYTES).read_range())
