"""What a bus needs of a transport."""

from typing import Protocol


class Transport(Protocol):
    """A way over a server: publish/subscribe, or streams."""

    def start(self) -> None:
        """Starts connecting, in the running loop."""

    async def stand(self) -> None:
        """Waits for the first connections. Raises what Link.stand does."""

    @property
    def is_settled(self) -> bool:
        """Whether `settle` has nothing to wait for."""
        ...

    async def settle(self) -> None:
        """Waits until the server has confirmed all that is wanted now."""

    async def confirmed(self, count: int) -> None:
        """Waits until the server has so many of all events that the outbox ever took, where that is promised."""

    async def flush(self, *, is_heard: bool) -> bool:
        """Waits until the server has what was collected, and, if `is_heard`, it came back and was handed on here.

        Returns:
            Whether that is so: what there is no room for here is not waited for.
        """
        ...

    @property
    def is_delivering(self) -> bool:
        """Whether something that was read is still being handed on."""
        ...

    async def delivered(self) -> None:
        """Waits until what has been read has been handed on."""

    def hear_only_itself(self) -> None:
        """Hands on no more of what others have published, where nobody else is to handle it."""

    @property
    def heard_of_others(self) -> int:
        """How many entries of others have been handed on."""
        ...

    async def leave(self) -> None:
        """Reads no more of what others may read instead."""

    async def acknowledge(self) -> None:
        """Waits until all that was handled is acknowledged, where that is promised."""

    @property
    def is_idle(self) -> bool:
        """Whether the server has all that was collected."""
        ...

    @property
    def reconnects(self) -> int:
        """How often a connection was made again."""
        ...

    @property
    def repeated(self) -> int:
        """Events that came a second time and were left out."""
        ...

    async def close(self) -> None:
        """Ends the connections."""
