"""When recorded events become a file."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPolicy:
    """When the events that wait in memory are written to Parquet: whichever of the limits is reached first.

    Limits count for the events of one event type and day, `size_bytes` for all that wait. Small limits make events
    visible to readers sooner; large ones make fewer and larger files, which are read faster.

    Attributes:
        rows: Most events of one type and day that wait. 250,000 of them take about a second to write.
        age_s: Longest that an event waits, in seconds. Events that still wait are lost if the process is killed.
        size_bytes: Most memory that waiting events take, in bytes, as columns.

    Raises:
        ValueError: A limit is not positive.
    """

    rows: int = 250_000
    age_s: float = 60.0
    size_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        for name in ("rows", "age_s", "size_bytes"):
            limit = getattr(self, name)
            if math.isnan(limit) or limit <= 0:
                raise ValueError(f"{name} must be above zero, not {limit!r}")
