"""The lines of a text file, plain, gzipped or alone in a zip archive; read as a stream, never trusted."""

import gzip
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from trading.events.errors import ImportFileError

MAX_LINE_BYTES = 4 << 20
"""No line of market data is longer; an order book of 500 levels is 30 kB."""

_GZIP = b"\x1f\x8b"
_ZIP = b"PK"
_NOT_UTF8 = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_BROKEN = (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


class TextLines:
    """The lines of one text file, decoded from UTF-8, a byte order mark left out.

    Bytes that are no UTF-8 become lone surrogates, so that they spoil their own row and no other.

    Args:
        path: The file; `.gz` and `.zip` are told by their first bytes.

    Raises:
        ImportFileError: The file cannot be opened, or is an archive of anything but one file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._archive: zipfile.ZipFile | None = None
        self._size = max(1, os.fstat(self._file.fileno()).st_size)
        self.line = 0
        """The number of lines read so far."""
        try:
            self._text = self._unpack()
        except BaseException as wrong:
            self.close()
            if isinstance(wrong, _BROKEN):
                raise ImportFileError(f"{path}: the archive cannot be read: {wrong}") from wrong
            raise

    def _unpack(self) -> IO[bytes]:
        magic = self._file.read(4)
        self._file.seek(0)
        if magic.startswith(_GZIP):
            return cast("IO[bytes]", gzip.GzipFile(fileobj=self._file))
        if magic.startswith(_ZIP):
            return self._only_member()
        return self._file

    def _only_member(self) -> IO[bytes]:
        self._archive = zipfile.ZipFile(self._file)
        members = [member for member in self._archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            names = ", ".join(repr(member.filename) for member in members[:5])
            raise ImportFileError(
                f"{self._path}: an archive of one file is expected, this one holds {len(members)}: {names}"
            )
        return self._archive.open(members[0])

    @property
    def fraction_read(self) -> float:
        """Fraction of the file on disk that has been read, from 0 to 1."""
        return 1.0 if self._file.closed else min(1.0, self._file.tell() / self._size)

    def peek(self) -> bytes:
        """The first bytes of the text, without reading on; only before the first line is read."""
        first = self._read(4096)
        self._text.seek(0)
        return first

    def __iter__(self) -> Iterator[str]:
        """The lines, with their ends.

        Raises:
            ImportFileError: The text ends in the middle of an archive, is not UTF-8 at all, or has a line too long.
        """
        while line := self._read_line():
            self.line += 1
            if self.line == 1:
                line = self._without_mark(line)
            if len(line) > MAX_LINE_BYTES:
                raise ImportFileError(f"{self._path}: line {self.line:,} is longer than {MAX_LINE_BYTES:,} bytes")
            yield line.decode("utf-8", "surrogateescape")

    def _without_mark(self, line: bytes) -> bytes:
        encoding = _NOT_UTF8.get(line[:2])
        if encoding is not None:
            raise ImportFileError(f"{self._path}: the text is {encoding}; save it as UTF-8")
        return line.removeprefix(b"\xef\xbb\xbf")

    def _read_line(self) -> bytes:
        try:
            return self._text.readline(MAX_LINE_BYTES + 1)
        except _BROKEN as wrong:
            raise ImportFileError(f"{self._path}: broken after line {self.line:,}: {wrong}") from wrong

    def _read(self, count: int) -> bytes:
        try:
            return self._text.read(count)
        except _BROKEN as wrong:
            raise ImportFileError(f"{self._path}: the archive cannot be read: {wrong}") from wrong

    def close(self) -> None:
        """Closes the file."""
        if self._archive is not None:
            self._archive.close()
        self._file.close()
