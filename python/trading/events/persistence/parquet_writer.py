"""ParquetEventWriter: records events as Parquet files."""

from collections.abc import Iterable
from os import PathLike
from types import TracebackType
from typing import Self

from trading.events.base import BaseEvent
from trading.events.persistence.base import IEventWriter
from trading.events.persistence.rotation import RotationPolicy


class ParquetEventWriter(IEventWriter):
    """Records events as Parquet files below one folder, `base_path/2024/01/01/tick_binance_BTCUSDT.parquet`.

    async with ParquetEventWriter("data/events") as writer:
        await bus.subscribe("*", writer.write_event)
        ...
    """

    def __init__(
        self, base_path: str | PathLike[str], *, rotation: RotationPolicy | None = None, capacity: int = 100_000
    ) -> None:
        raise NotImplementedError

    async def write_event(self, event: BaseEvent) -> None:
        raise NotImplementedError

    async def write_batch(self, events: Iterable[BaseEvent]) -> None:
        raise NotImplementedError

    async def flush(self) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Writes what still waits, ends the background thread and frees the store. Again does nothing."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
