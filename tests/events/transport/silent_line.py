"""A line to a server that goes dead without a word: what is sent is lost, and nothing says so."""

import asyncio
from types import SimpleNamespace
from typing import Any

import hiredis
from redis.exceptions import ResponseError


def _bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


_ANSWERS = {
    b"SCRIPT": _bulk(b"digest"),
    b"XREVRANGE": b"*0\r\n",
    b"XREAD": b"*-1\r\n",
    b"XREADGROUP": b"*-1\r\n",
    b"XGROUP": b"+OK\r\n",
    b"XPENDING": b"*0\r\n",
    b"XAUTOCLAIM": b"*3\r\n$3\r\n0-0\r\n*0\r\n*0\r\n",
    b"EVAL": b"*2\r\n:0\r\n:0\r\n",
    b"EVALSHA": b"*2\r\n$3\r\n1-0\r\n:-1\r\n",
    b"HELLO": b"*2\r\n" + _bulk(b"role") + _bulk(b"master"),
    b"PUBLISH": b":0\r\n",
    b"WAIT": b":1\r\n",
    b"CLIENT": _bulk(b"id=1 addr=127.0.0.1:1"),
}


class Line:
    """Leads to a server that has nothing, until it is dead."""

    def __init__(self) -> None:
        self.is_dead = False

    def make_connection(self) -> Any:
        """What redis-py's pool makes, as far as a bus uses it."""

        async def connect() -> None:
            if self.is_dead:
                raise ConnectionRefusedError

        async def disconnect(*, nowait: bool) -> None:
            pass

        return SimpleNamespace(
            connect=connect,
            disconnect=disconnect,
            _writer=SimpleNamespace(transport=_Transport(self)),
            _parser=SimpleNamespace(parse_error=ResponseError),
        )


class _Transport:
    """The near end of one connection."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._commands = hiredis.Reader(notEnoughData=None)
        self._protocol: Any = None
        self._is_closed = False
        self._is_subscriber = False

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._is_closed

    def write(self, data: bytes) -> None:
        self._commands.feed(data)
        while (command := self._commands.gets()) is not None:
            asyncio.get_running_loop().call_later(self._blocks_for_s(command), self._answer, command)

    def _blocks_for_s(self, command: list[bytes]) -> float:
        return int(command[command.index(b"BLOCK") + 1]) / 1000 if b"BLOCK" in command else 0.0

    def _answer(self, command: list[bytes]) -> None:
        if not self._line.is_dead and not self._is_closed:
            self._protocol.data_received(self._answer_to(command))

    def _answer_to(self, command: list[bytes]) -> bytes:
        name = command[0]
        if name in {b"SUBSCRIBE", b"PSUBSCRIBE"}:
            self._is_subscriber = True
            return b"*3\r\n" + _bulk(name.lower()) + _bulk(command[1]) + b":1\r\n"
        if name == b"PING":
            return b"*2\r\n" + _bulk(b"pong") + _bulk(command[1]) if self._is_subscriber else b"+PONG\r\n"
        return _ANSWERS[name]

    def abort(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)
