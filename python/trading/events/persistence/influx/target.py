"""The targets of points: a database of InfluxDB 1, or a bucket of InfluxDB 2 or 3, or of a compatible server."""

import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint of a request.

    Attributes:
        host: The server's name or address.
        port: Its port.
        path: Path and query.
        headers: The credentials; never shown.
        tls: The encryption of the connection, or None for none.
    """

    host: str
    port: int
    path: str
    headers: Mapping[str, str] = field(repr=False)
    tls: ssl.SSLContext | None

    def __str__(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://{self.host}:{self.port}{self.path}"


class InfluxTarget(Protocol):
    """A target of points."""

    def endpoint(self) -> Endpoint:
        """The endpoint of requests."""
        ...


@dataclass(frozen=True, slots=True)
class InfluxDatabase:
    """A database of InfluxDB 1, which takes points at `/write`. It must exist.

    Attributes:
        url: The server's, such as `http://localhost:8086`. A path is put before the server's own.
        database: The database.
        retention_policy: A retention policy of the database, or None for its default.
        username: The user whose credentials are sent, or None for none.
        password: The user's password; never shown.
        tls: For `https`; None, the default, checks certificates as the system does.

    Raises:
        ValueError: The URL is none of a server, or the database has no name.
    """

    url: str
    database: str
    retention_policy: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_name("database", self.database)
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together; one of them is missing")
        self.endpoint()

    def endpoint(self) -> Endpoint:
        """The endpoint of requests."""
        query = {"db": self.database, "rp": self.retention_policy, "precision": "ns"}
        headers: dict[str, str] = {}
        if self.username is not None:
            secret = b64encode(f"{self.username}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        return _make_endpoint(self.url, "/write", query, headers=headers, tls=self.tls)


@dataclass(frozen=True, slots=True)
class InfluxBucket:
    """A bucket of InfluxDB 2, which takes points at `/api/v2/write`. InfluxDB 3, VictoriaMetrics and others do too.

    Attributes:
        url: The server's, such as `http://localhost:8086`. A path is put before the server's own.
        bucket: The bucket; of InfluxDB 3 the database.
        org: The organization that it belongs to, or None where the server knows none.
        token: The API token, or None for none; never shown.
        tls: For `https`; None, the default, checks certificates as the system does.

    Raises:
        ValueError: The URL is none of a server, the bucket has no name, or the token holds what no token does.
    """

    url: str
    bucket: str
    org: str | None = None
    token: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_name("bucket", self.bucket)
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and self.token.strip()):
            raise ValueError("the token is empty or holds characters that no token has, perhaps the end of a line")
        self.endpoint()

    def endpoint(self) -> Endpoint:
        """The endpoint of requests."""
        query = {"bucket": self.bucket, "org": self.org, "precision": "ns"}
        headers = {} if self.token is None else {"Authorization": f"Token {self.token}"}
        return _make_endpoint(self.url, "/api/v2/write", query, headers=headers, tls=self.tls)


def _check_name(what: str, name: str) -> None:
    if not name:
        raise ValueError(f"the {what} must have a name")


def _make_endpoint(
    url: str,
    path: str,
    query: Mapping[str, str | None],
    *,
    headers: Mapping[str, str],
    tls: ssl.SSLContext | None,
) -> Endpoint:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("the url holds credentials; give them beside it, where they are never shown")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no url of a server, such as http://localhost:8086")
    is_safe = parts.scheme == "https"
    if tls is not None and not is_safe:
        raise ValueError(f"{url!r} is not encrypted, so that tls is of no use; write https")
    given = {key: value for key, value in query.items() if value is not None}
    return Endpoint(
        host=parts.hostname,
        port=parts.port or (443 if is_safe else 80),
        path=f"{parts.path.rstrip('/')}{path}?{urlencode(given)}",
        headers=headers,
        tls=(tls or ssl.create_default_context()) if is_safe else None,
    )
