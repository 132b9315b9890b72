"""Files of a store that cannot be read, gathered while all the others are."""

import sys
import warnings
from collections.abc import Generator, Iterable
from contextlib import contextmanager

from trading.events.cli.formats import printable
from trading.events.errors import UnreadableFileWarning


@contextmanager
def gather_unreadable() -> Generator[list[str], None, None]:
    """The warnings of an EventReader with `on_error="warn"` in the block; the list is filled when the block ends."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnreadableFileWarning)
        yield messages
    messages.extend(str(warning.message) for warning in caught)


def print_warnings(messages: Iterable[str]) -> None:
    """Names the files on the standard error."""
    for message in messages:
        print(f"trading-events: warning: {printable(' '.join(message.split()))}", file=sys.stderr)
