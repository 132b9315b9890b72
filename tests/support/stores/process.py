"""A server as a process on a free port of loopback, in a folder of its own."""

import http.client
import os
import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from time import monotonic, sleep
from typing import ClassVar

import pytest

from tests.support.patience import PATIENCE_S

_WATCHED = '"$@" & server=$!; cat; kill -9 $server; wait'
"""Runs a server until standard input ends, as it does when the tests end, however they do."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess(ABC):
    """A server. It can be killed, and started again on the same port with the same data."""

    program: ClassVar[str]
    package: ClassVar[str]
    health: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    def start(self) -> None:
        program = shutil.which(self.program)
        if program is None:
            pytest.skip(f"there is no {self.program} here: apt-get install {self.package}")
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"HOME": str(self.folder)}
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _WATCHED, "sh", program, *self.command()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment,
            )
        until = monotonic() + PATIENCE_S
        while not self._answers():
            if monotonic() > until:
                self.kill()
                raise RuntimeError((self.folder / "server.log").read_text()[-2000:])
            sleep(0.01)  # another process: there is nothing to wait on

    def kill(self) -> None:
        """As a power cut does."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def request(self, method: str, path: str, *, body: bytes = b"") -> bytes:
        """What it answers; it must be content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        assert response.status // 100 == 2, text
        return text

    def _answers(self) -> bool:
        try:
            self.request("GET", self.health)
        except OSError:
            return False
        return True
