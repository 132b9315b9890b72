"""The statistics of a bus over a server, as a frozen record."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransportStatistics:
    """The statistics of a bus about its server."""

    unsent: int
    """Events accepted by `publish` that the server does not have yet."""

    received: int
    """Events that came from the server."""

    repeated: int
    """Events that came a second time and were left out."""

    missed: int
    """Events of others that are known to be lost between them and this bus."""

    undecodable: int
    """Frames that could not be read, or not all of them; what could not be was skipped."""

    refused: int
    """Events of this bus that could not be encoded, or were too long, and were not sent."""

    crowded_out: int
    """Events that came while too many waited for room, and were dropped."""

    reconnects: int
    """The number of lost connections that were made again."""
