"""Programs in processes of their own, each forked from an interpreter that has imported what they need.

To start an interpreter takes a hundred times as long as to fork one. A forked one ends as any other does: by itself, at
the end of its program.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.places import ROOT


def _serve() -> dict[str, Any] | None:
    """Answers each program with its exit code. In the child that is to run it, returns what to run."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return dict(json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
    return None


def _run(task: dict[str, Any]) -> None:
    for stream, name in ((sys.stdin, os.devnull), (sys.stdout, task["stdout"]), (sys.stderr, task["stderr"])):
        file = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, stream.fileno())
        os.close(file)
    os.environ |= task["environment"]
    exec(compile(task["source"], "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102 - the tests' own


class FreshProcesses:
    """Runs one program after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[str] | None = None

    def run(self, source: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs a program to its end. What hangs is killed when the hang guard ends the test."""
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, "-X", "dev", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                start_new_session=True,
            )
        out, error = self._folder / "stdout", self._folder / "stderr"
        for file in (out, error):
            file.write_text("")
        task = {"source": source, "stdout": str(out), "stderr": str(error), "environment": environment}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        try:
            print(json.dumps(task), file=self._server.stdin, flush=True)
            code = int(self._server.stdout.readline())
        except BaseException:
            self.kill()
            raise
        return subprocess.CompletedProcess(source, code, out.read_text(), error.read_text())

    def kill(self) -> None:
        """Ends the interpreter, and what it has started."""
        if self._server is not None:
            os.killpg(self._server.pid, 9)
            self._server.communicate()
            self._server = None


if __name__ == "__main__":
    import tests.contract.bus.buses
    import tests.support.doubles  # noqa: F401 - what the programs need

    if (task := _serve()) is not None:
        _run(task)
