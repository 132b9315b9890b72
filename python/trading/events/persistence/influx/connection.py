"""One connection to a server, over which points are written, request by request."""

import gzip
import http.client
import json
from typing import Any, NamedTuple

from trading.events.persistence.influx.target import Endpoint

_MOST_ANSWER_BYTES = 65_536
_MOST_REASON = 500
_GZIP_LEVEL = 1


class Answer(NamedTuple):
    """The answer of a server to a request."""

    status: int
    """Its HTTP status."""

    reason: str
    """Its reason, in the server's words."""

    is_known: bool
    """True if it has the form of an InfluxDB answer, rather than that of some proxy before the server."""

    retry_after_s: float
    """Shortest wait before the next request that it asks for, in seconds."""


class Connection:
    """Writes points, over one connection as long as the server keeps it, and over another when it does not.

    Args:
        endpoint: The endpoint that takes them.
        timeout_s: Longest that the server may take for each step, in seconds.
        compresses: Whether requests are compressed.
    """

    def __init__(self, endpoint: Endpoint, *, timeout_s: float, compresses: bool) -> None:
        self._endpoint = endpoint
        self._headers = {**endpoint.headers, "Content-Type": "text/plain; charset=utf-8"}
        self._compresses = compresses
        if compresses:
            self._headers["Content-Encoding"] = "gzip"
        where = (endpoint.host, endpoint.port)
        if endpoint.tls is None:
            self._http = http.client.HTTPConnection(*where, timeout=timeout_s)
        else:
            self._http = http.client.HTTPSConnection(*where, timeout=timeout_s, context=endpoint.tls)

    def write(self, lines: list[bytes]) -> Answer:
        """Sends points and returns the answer.

        Raises:
            OSError: There was none. The points may have been written all the same.
        """
        body = b"\n".join(lines)
        if self._compresses:
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        is_old = self._http.sock is not None
        try:
            return self._send(body)
        except OSError:
            if not is_old:
                raise
            return self._send(body)  # the server may have closed what it had not heard of for long

    def close(self) -> None:
        """Closes the connection; the next request opens another."""
        self._http.close()

    def _send(self, body: bytes) -> Answer:
        try:
            self._http.request("POST", self._endpoint.path, body, self._headers)
            response = self._http.getresponse()
            text = response.read(_MOST_ANSWER_BYTES)
            if not response.isclosed():
                self._http.close()
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        reason, is_known = _read_reason(text)
        return Answer(response.status, reason, is_known, _read_delay(response.headers.get("Retry-After")))


def _read_reason(text: bytes) -> tuple[str, bool]:
    """The reason in an answer, and whether it has the form of an InfluxDB answer."""
    try:
        said = json.loads(text)
    except ValueError:
        return text.decode("utf-8", "replace").strip()[:_MOST_REASON], False
    match said:
        case {"error": str(reason), "data": [{"error_message": str(detail)}, *_]}:
            reason = f"{reason}: {detail}"
        case {"error": str(reason)} | {"message": str(reason)}:
            pass
        case _:
            return str(said)[:_MOST_REASON], False
    return reason[:_MOST_REASON], True


def _read_delay(text: Any) -> float:
    return float(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0.0
