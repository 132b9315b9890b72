"""A TCP proxy that cuts connections in the middle of what it passes on."""

import asyncio
import ssl
from contextlib import suppress


class CuttingProxy:
    """Passes bytes on between clients and a server, until it is told to cut."""

    def __init__(self, port: int, *, encryption: ssl.SSLContext | None = None) -> None:
        self._target = port
        self._encryption = encryption
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._bytes_left: int | None = None
        self.cuts = 0

    async def start(self) -> "CuttingProxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._encryption)
        return self

    @property
    def url(self) -> str:
        assert self._server is not None
        scheme = "redis" if self._encryption is None else "rediss"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def lead_to(self, port: int) -> None:
        """Has new connections go to another server; those that stand stay."""
        self._target = port

    def cut_replies_after(self, count: int) -> None:
        """Lets so many more bytes of replies through, then cuts every connection."""
        self._bytes_left = count

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._cut()

    def _cut(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer, replies=True))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool = False) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if replies and self._bytes_left is not None:
                    if len(data) >= self._bytes_left:
                        writer.write(data[: self._bytes_left])
                        self._bytes_left = None
                        self.cuts += 1
                        self._cut()
                        return
                    self._bytes_left -= len(data)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
        self._writers.discard(writer)
