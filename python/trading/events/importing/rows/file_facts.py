"""FileFacts: what is known of a file besides its columns."""

from dataclasses import dataclass
from pathlib import Path

from trading.events.importing.cells import NumberReader, TimeReader
from trading.events.importing.instrument import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Facts that the caller has given about a file."""

    path: Path
    """The file, for messages."""

    instrument: Instrument
    """The exchange and the symbol."""

    read_number: NumberReader
    """Reads its decimals."""

    read_time: TimeReader
    """Reads its times."""

    interval: str | None = None
    """The interval of its bars, or None where it must be found."""
