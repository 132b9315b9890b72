"""The policy by which events are sent to a store."""

import math
import random
from dataclasses import dataclass

_MOST_DOUBLINGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingPolicy:
    """Limits of the batches in which events are sent to a store, and the delays between attempts.

    Attributes:
        batch_events: Most events of one request; when so many wait they are sent at once. 5,000 is what InfluxDB
            recommends.
        batch_bytes: Most bytes of one request, before compression; a single event may be larger.
        age_s: Longest that an event waits for others before it is sent, in seconds.
        capacity_bytes: Most bytes of events that wait while the store is slow or away; a tick has about 400. When
            there are so many, `write_event` waits.
        retry_s: Delay before a failed batch is tried again, in seconds. Doubled each time; less by up to a
            half, at random, so that many writers do not come back at once.
        longest_retry_s: Longest such delay.

    Raises:
        ValueError: A limit is not positive.
    """

    batch_events: int = 5_000
    batch_bytes: int = 4 * 1024 * 1024
    age_s: float = 1.0
    capacity_bytes: int = 64 * 1024 * 1024
    retry_s: float = 0.25
    longest_retry_s: float = 30.0

    def __post_init__(self) -> None:
        for name in ("batch_events", "batch_bytes", "age_s", "capacity_bytes", "retry_s"):
            limit = getattr(self, name)
            if math.isnan(limit) or limit <= 0:
                raise ValueError(f"{name} must be above zero, not {limit!r}")
        if not self.longest_retry_s >= self.retry_s:
            raise ValueError(f"longest_retry_s must be retry_s at least, not {self.longest_retry_s!r}")

    def delay_s(self, attempts: int) -> float:
        """The delay after one more failure, when so many came before it, in seconds."""
        longest_s = min(self.retry_s * 2.0 ** min(attempts, _MOST_DOUBLINGS), self.longest_retry_s)
        return longest_s * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
