"""A server that says what it is told to."""

import asyncio
from contextlib import suppress

import hiredis


class ScriptedServer:
    """Answers a client with `OK` until it is connected, and from then on as a test has it."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self.is_polite = True
        """Whether it answers by itself."""

        self.received: list[list[bytes]] = []

    async def start(self) -> "ScriptedServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def say(self, data: bytes) -> None:
        """Sends bytes to the client that came last."""
        self._writers[-1].write(data)

    def hang_up(self) -> None:
        """Ends all connections."""
        for writer in self._writers:
            writer.close()

    async def close(self) -> None:
        assert self._server is not None
        self.hang_up()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        commands = hiredis.Reader(notEnoughData=None)
        with suppress(OSError):
            while data := await reader.read(65536):
                commands.feed(data)
                while (command := commands.gets()) is not None:
                    self.received.append(command)
                    if self.is_polite:
                        writer.write(b"+OK\r\n")
        writer.close()
