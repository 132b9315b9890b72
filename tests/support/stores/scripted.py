"""A server that answers as a test says, and keeps what it was sent."""

import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from tests.support.patience import PATIENCE_S


class Reply(NamedTuple):
    """An answer; a status of 0 is none, and closes the connection."""

    status: int = 204
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Request(NamedTuple):
    """What was sent."""

    path: str
    headers: dict[str, str]
    lines: list[str]


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is none."""


class ScriptedServer:
    """Answers each request by what `answer` makes of it."""

    def __init__(self, answer: Callable[[Request], Reply] = lambda _request: Reply()) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.stored: list[str] = []
        self._changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def wait_for(self, requests: int) -> None:
        """Returns when there have been so many requests."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= requests, timeout=PATIENCE_S)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        request = Request(handler.path, dict(handler.headers), body.decode().split("\n"))
        reply = self.answer(request)
        with self._changed:
            self.requests.append(request)
            if reply.status == 204:
                self.stored += request.lines
            self._changed.notify_all()
        if reply.status == 0:
            handler.close_connection = True
        else:
            handler.send_response(reply.status)
            for name, value in reply.headers:
                handler.send_header(name, value)
            if reply.status != 204:
                handler.send_header("Content-Length", str(len(reply.body.encode())))
            handler.end_headers()
            handler.wfile.write(reply.body.encode())
