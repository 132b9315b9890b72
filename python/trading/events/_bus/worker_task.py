"""The task that a bus's native worker runs in."""

import asyncio
from typing import Any


class WorkerTask(asyncio.Task[None]):
    """A task that tells its worker of each `cancel` and `uncancel`.

    Between two events the worker has to know whether a cancellation was meant for it, from outside, or was left behind
    by a handler that cancelled its own `current_task()`; the next handler must not be cancelled in its stead.
    """

    def cancel(self, msg: Any | None = None) -> bool:
        """Requests cancellation, as in `asyncio.Task`."""
        self._note(1)
        return super().cancel(msg)

    def uncancel(self) -> int:
        """Takes a request for cancellation back, as in `asyncio.Task`."""
        self._note(-1)
        return super().uncancel()

    def _note(self, change: int) -> None:
        self.get_coro().note_cancel(change)  # type: ignore[union-attr]  # it is always a native worker
