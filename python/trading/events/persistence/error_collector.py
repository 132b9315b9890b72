"""Collects the errors of one pass over a store."""

import logging
import warnings
from typing import Literal

from trading.events.errors import StoredEventError, StoreError, UnreadableFileWarning
from trading.events.persistence.selection import OnInvalid

OnError = Literal["raise", "warn"]
"""The handling of files that cannot be read: raise an error after all others have been read, or only warn."""

_MOST_NAMED = 8
"""Most refused events that are named; the rest are counted."""

_log = logging.getLogger("trading.events.persistence")


class ErrorCollector:
    """Collects the errors of one pass over a store: of files that cannot be read, and of events that are refused."""

    def __init__(self, on_error: OnError, invalid: OnInvalid) -> None:
        self._on_error = on_error
        self._invalid: OnInvalid = invalid
        self._errors: list[StoreError] = []
        self._told: set[str] = set()
        self._refused: set[int | str] = set()
        self._first: StoredEventError | None = None

    def report(self, error: StoreError) -> None:
        """Warns of a file or an event, or keeps its error; once, even if a day is read again."""
        if isinstance(error, StoredEventError):
            place = str(error) if error.seq is None else error.seq
            if place in self._refused:
                return
            self._refused.add(place)
            self._first = self._first or error
            if self._invalid == "skip" or len(self._refused) > _MOST_NAMED:
                return
        if str(error) in self._told:
            return
        self._told.add(str(error))
        self._tell(error)

    def finish(self) -> None:
        """Ends the pass.

        Raises:
            StoreError: Errors were kept. The first is raised, the others are its notes.
        """
        self.tell_skipped()
        more = len(self._refused) - _MOST_NAMED if self._invalid == "raise" else 0
        rest = f"{more} more stored events are refused by their classes"
        if more > 0 and self._on_error == "warn":
            warnings.warn_explicit(rest, UnreadableFileWarning, __file__, 0)
        if self._errors:
            first, *others = self._errors
            for other in others:
                first.add_note(f"Nor could this be read: {other}")
            if more > 0:
                first.add_note(rest)
            raise first

    def tell_skipped(self) -> None:
        """Logs the number of events that were left out until now, if any were; once."""
        if self._invalid == "skip" and self._first is not None:
            _log.warning("%d stored events were left out, the first: %s", len(self._refused), self._first)
            self._first = None

    def _tell(self, error: StoreError) -> None:
        if self._on_error == "warn":
            # Not `warn`: that stays silent from the second time on, and then a short answer would pass for a whole one.
            warnings.warn_explicit(str(error), UnreadableFileWarning, __file__, 0)
        else:
            self._errors.append(error)
