"""Where batches go."""

from abc import ABC, abstractmethod
from typing import NamedTuple


class RefusedEvent(NamedTuple):
    """An event that a store will never take."""

    line: str
    """It, as it was sent; this holds all of it."""

    reason: str
    """What the store said."""


class UnavailableError(Exception):
    """A store does not take anything now. What was to be delivered may be in it or not.

    Attributes:
        retry_after_s: How long it wants to be left alone.
    """

    def __init__(self, reason: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Delivery(ABC):
    """A store that takes batches. All its methods are called from one thread."""

    @abstractmethod
    def deliver(self, rows: list[bytes], *, first: int) -> list[RefusedEvent]:
        """Stores rows durably; those that an attempt before has stored already, once. Returns those that it refuses.

        Args:
            rows: What to store.
            first: How many rows came before the first of these.

        Raises:
            UnavailableError: Some are not stored. They are delivered again.
        """

    @abstractmethod
    def close(self) -> None:
        """Frees what it holds."""
