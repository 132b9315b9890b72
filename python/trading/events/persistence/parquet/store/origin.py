"""The origin of a file, in its metadata, by which leftovers of attempts are recognised."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

_KEY = b"trading_events_origin"


class Origin(BaseModel, frozen=True):
    """The segments or files that were made into a file.

    Attributes:
        segment: A segment of the journal, or 0.
        with_segments: The segments that were sealed together with it.
        merged: The names of the merged files, all of the same day.
    """

    segment: int = 0
    with_segments: tuple[int, ...] = ()
    merged: tuple[str, ...] = ()

    @staticmethod
    def is_key(key: bytes) -> bool:
        """Returns whether this is the key of its metadata."""
        return key == _KEY

    @classmethod
    def of_segments(cls, numbers: Sequence[int]) -> Self:
        """The origin of a file that segments are sealed into."""
        first, *others = numbers
        return cls(segment=first, with_segments=tuple(others))

    @property
    def segments(self) -> frozenset[int]:
        """All segments."""
        return frozenset({self.segment, *self.with_segments} - {0})

    def to_metadata(self) -> dict[bytes, bytes]:
        """The metadata of a file with this origin."""
        return {_KEY: self.model_dump_json().encode()}


def is_leftover(path: Path, origin: Origin) -> bool:
    """Returns whether a file that no manifest names was made by an earlier attempt at the same, or at a part of it."""
    found = read_origin(path)
    return found == origin or not found.segments.isdisjoint(origin.segments)


def is_sealed_again(path: Path, segments: Collection[int]) -> bool:
    """Returns whether a file that no manifest names was made from segments that are all still in the journal."""
    found = read_origin(path).segments
    return bool(found) and found <= set(segments)


def find_merged(folder: Path, known: Collection[str], strays: Collection[Path]) -> list[Path]:
    """The files of a day that a compaction has left there when it died; the day's manifest does not name them.

    Args:
        folder: The day's folder.
        known: The names in its manifest.
        strays: The other files.
    """
    if not strays:
        return []
    merged = {name for each in known for name in read_origin(folder / each).merged}
    uncommitted = {path for path in strays if (sources := read_origin(path).merged) and set(sources) <= set(known)}
    return [path for path in strays if path.name in merged or path in uncommitted]


def read_origin(path: Path) -> Origin:
    """The origin of a file, as far as it says so."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        return Origin.model_validate_json(metadata.get(_KEY, b"{}"))
    except (OSError, ValueError, pa.ArrowException):
        return Origin()
