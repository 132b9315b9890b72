"""Moments as microseconds since 1970, and back, exactly."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware datetime in UTC.

    Raises:
        OverflowError: It is not between the years 1 and 9999.
    """
    return _EPOCH + timedelta(microseconds=micros)
