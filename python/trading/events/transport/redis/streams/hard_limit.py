"""The hard limit of streams: what was removed because of it is told, and not more often than need be."""

import asyncio
from collections import Counter

from trading.events.transport.reports import Reports


class HardLimit:
    """Tells how many entries were removed that a group may not have acknowledged: at once, and then every so often.

    Args:
        entries: The limit, 0 for none.
        every_s: Least time between two reports.
        reports: Told of it.
    """

    def __init__(self, entries: int, *, every_s: float, reports: Reports) -> None:
        self.entries = entries
        self._every_s = every_s
        self._reports = reports
        self._untold: Counter[bytes] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def removed(self, stream: bytes, count: int) -> None:
        """Takes note that so many entries were removed."""
        if count:
            self._untold[stream] += count
            if self._timer is None:
                self._tell()

    def close(self) -> None:
        """Tells the rest."""
        self._tell()
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every_s, self._tell) if self._untold else None
        untold, self._untold = self._untold, Counter()
        for stream, count in untold.items():
            self._reports.notice(
                f"{count} entries of {stream.decode()} were removed, which a group may not have acknowledged: "
                f"the limit max_stream_entries is {self.entries}"
            )
