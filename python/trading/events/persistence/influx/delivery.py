"""Delivery of batches of points to a server, and the search for those that it refuses."""

from trading.events.persistence.influx.connection import Answer, Connection
from trading.events.persistence.sending.delivery import Delivery, RefusedEvent, UnavailableError

_REFUSING = frozenset({400, 413, 422})


class InfluxDelivery(Delivery):
    """Writes points. Writing one again does no harm: it replaces itself.

    When a server refuses a batch, halves of it are sent, and halves of these, until it is known which points it
    refuses; all others are stored then.

    Args:
        connection: The connection to the server.
        name: The server's name, for messages.
    """

    def __init__(self, connection: Connection, *, name: str) -> None:
        self._connection = connection
        self._name = name
        self._has_taken = False

    def deliver(self, rows: list[bytes], *, first: int) -> list[RefusedEvent]:
        """See Delivery."""
        try:
            answer = self._connection.write(rows)
        except OSError as error:
            raise UnavailableError(f"{self._name} cannot be reached: {error}") from error
        if answer.status // 100 == 2:  # noqa: PLR2004 - of HTTP: it has succeeded
            self._has_taken = True
            return []
        if answer.status not in _REFUSING or not (answer.is_known or self._has_taken):
            raise UnavailableError(_explain(self._name, answer), retry_after_s=answer.retry_after_s)
        if len(rows) == 1:
            return [RefusedEvent(rows[0].decode(), answer.reason)]
        middle = len(rows) // 2
        return self.deliver(rows[:middle], first=first) + self.deliver(rows[middle:], first=first + middle)

    def close(self) -> None:
        """See Delivery."""
        self._connection.close()


def _explain(name: str, answer: Answer) -> str:
    said = f"{name} answers {answer.status}: {answer.reason or 'nothing'}"
    if answer.status in {401, 403}:
        return f"{said}; check the credentials"
    if answer.status == 404:  # noqa: PLR2004 - of HTTP: there is no such thing
        return f"{said}; check the url, and that the database or bucket exists"
    return said
