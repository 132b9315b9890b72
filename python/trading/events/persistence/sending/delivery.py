"""The interface of stores that take events in batches."""

from abc import ABC, abstractmethod
from typing import NamedTuple


class RefusedEvent(NamedTuple):
    """An event that a store will never take."""

    line: str
    """The whole event, as it was sent."""

    reason: str
    """The store's reason."""


class UnavailableError(Exception):
    """A store does not take anything now. The rows that were to be delivered may be in it or not.

    Attributes:
        retry_after_s: Shortest wait before the next attempt that it asks for, in seconds.
    """

    def __init__(self, reason: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Delivery(ABC):
    """A store that takes batches. All its methods are called from one thread."""

    @abstractmethod
    def deliver(self, rows: list[bytes], *, first: int) -> list[RefusedEvent]:
        """Stores rows durably, each once, even if an earlier attempt has stored some. Returns the refused ones.

        Args:
            rows: The rows.
            first: The number of rows before the first of these.

        Raises:
            UnavailableError: Some are not stored. They are delivered again.
        """

    @abstractmethod
    def close(self) -> None:
        """Frees its resources."""
