"""The policy by which recorded events become files."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPolicy:
    """Limits at which the events of the journal are sealed into Parquet files; the first one reached counts.

    A segment of the journal ends with `rows` or `size_bytes`, and is then sealed, unless it would become many small
    files, one for each day and topic. Such segments wait in the journal until there are `segments` of them, and are
    sealed together. `age_s` and `date_change` hold for those that wait as well.

    Readers of this package see the journal too; others see what is sealed. Small limits make events visible to those
    sooner; large ones make fewer and larger files, which are read faster.

    Attributes:
        rows: Most events that wait in the journal's newest segment.
        size_bytes: Most bytes of them in the journal; sealing takes about as much memory.
        age_s: Longest that an event waits, in seconds.
        segments: Most segments that are sealed together; 1 for each on its own. Readers hold those that wait in memory.
        date_change: Whether they are sealed as soon as the date changes in UTC, so that a day is in files when it ends.

    Raises:
        ValueError: A limit is not positive.
    """

    rows: int = 180_000
    size_bytes: int = 64 * 1024 * 1024
    age_s: float = 300.0
    segments: int = 8
    date_change: bool = True

    def __post_init__(self) -> None:
        for name in ("rows", "size_bytes", "age_s", "segments"):
            limit = getattr(self, name)
            if math.isnan(limit) or limit <= 0:
                raise ValueError(f"{name} must be above zero, not {limit!r}")
