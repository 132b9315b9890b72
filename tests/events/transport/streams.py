"""What tests of streams share: the name of a stream, and a handler that notes what it is told."""

from tests.support.doubles import number_of
from trading.events import BaseEvent, is_redelivered


def stream(namespace: str) -> str:
    return f"{{{namespace}:0}}"


class Witness:
    """A handler that notes what it is told of its events."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bool]] = []

    async def __call__(self, event: BaseEvent) -> None:
        self.seen.append((number_of(event), is_redelivered()))
