"""Warnings of accepted events that are lost because a bus was never closed."""

import atexit
import warnings
from weakref import WeakSet

from trading.events._core import NativeBus, end_calls


class WarningBus(NativeBus):
    """A native bus that warns of events it loses by being forgotten, or by the interpreter's end."""

    __slots__ = ("_is_warned",)

    def _warn_if_forgotten(self) -> None:
        """Arms the warning. Called by a constructor once nothing can fail any more."""
        self._is_warned = False
        _OPEN.add(self)

    def __del__(self) -> None:
        if not getattr(self, "_is_warned", True):  # an instance that could not be made has no such attribute
            self._warn_if_lost()

    def _warn_if_lost(self) -> None:
        self._is_warned = True
        lost = self._lost_if_forgotten if self._is_local and self._phase != "closed" else 0
        if lost:
            warnings.warn(
                f"{self!r} was never closed: {lost} accepted events are lost; use 'async with' or aclose()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )


_OPEN: WeakSet[WarningBus] = WeakSet()
"""Every bus that has not been garbage collected."""


@atexit.register
def _warn_at_exit() -> None:
    """Warns for buses that are still referred to at exit, as by a daemon thread: `__del__` is not called for them."""
    end_calls()
    while _OPEN:
        _OPEN.pop()._warn_if_lost()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as it would itself
