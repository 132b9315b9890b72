"""Two machines: publisher and server in one network namespace, the consumer in another, joined by a bad line."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.server.process import server_program
from tests.system.chaos.test_chaos_processes import lines_of, size_of, wait_until
from tests.system.chaos.test_chaos_streams import unflagged_repeats

_NEAR, _FAR = f"te{os.getpid()}a", f"te{os.getpid()}b"
_OUTAGES_S = (0.2, 0.8, 2.0)


def ip(*arguments: str) -> bool:
    """Runs `ip`. Returns whether it could."""
    program = shutil.which("ip")
    if program is None:
        return False
    return not subprocess.run([program, *arguments], capture_output=True, check=False).returncode


@pytest.fixture
def line() -> Iterator[None]:
    """Two namespaces at 10.77.3.1 and 10.77.3.2, with delay and loss between them where the kernel can do that."""
    if shutil.which("ip") is None:
        pytest.skip("there is no ip here: apt-get install iproute2")
    try:
        if not (ip("netns", "add", _NEAR) and ip("netns", "add", _FAR)):
            pytest.skip("this machine lets nobody make network namespaces")
        if not ip("link", "add", _NEAR, "netns", _NEAR, "type", "veth", "peer", "name", _FAR, "netns", _FAR):
            pytest.skip("this machine lets nobody make a veth")
        for number, name in enumerate((_NEAR, _FAR), 1):
            ip("-n", name, "addr", "add", f"10.77.3.{number}/24", "dev", name)
            ip("-n", name, "link", "set", name, "up")
            ip("-n", name, "link", "set", "lo", "up")
            ip(
                *("netns", "exec", name, "tc", "qdisc", "add", "dev", name, "root"),
                *("netem", "delay", "5ms", "2ms", "loss", "2%"),
            )
        yield
    finally:
        for name in (_NEAR, _FAR):
            ip("netns", "del", name)


@pytest.fixture
def run_in(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Runs programs in a namespace, and kills them when the test ends."""
    running: list[subprocess.Popen[bytes]] = []

    def start(namespace: str, output: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (tmp_path / output).open("ab") as out, (tmp_path / "log").open("ab") as log:
            command = [str(shutil.which("ip")), "netns", "exec", namespace, *arguments]
            path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
            running.append(
                subprocess.Popen(command, stdout=out, stderr=log, cwd=ROOT, env={**os.environ, "PYTHONPATH": path})
            )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("line")
def test_a_line_between_two_machines_may_lose_delay_and_break(
    tmp_path: Path, run_in: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Turned red by: a reader that does not notice that its line is dead."""
    options = ["--bind", "10.77.3.1", "--protected-mode", "no", "--save", "", "--dir", str(tmp_path)]
    run_in(_NEAR, "server", server_program(), "--port", "6390", *options)
    wait_until(lambda: b"Ready to accept" in (tmp_path / "server").read_bytes())
    program, url = [sys.executable, "-m", "tests.system.chaos.program"], "redis://10.77.3.1:6390"
    handled, confirmed = tmp_path / "handled", tmp_path / "confirmed"
    run_in(_FAR, "consumer", *program, "consumer", url, str(handled))
    publisher = run_in(_NEAR, "confirmed", *program, "publisher", url, "0")
    for outage_s in _OUTAGES_S:
        before = size_of(handled), size_of(confirmed)
        wait_until(lambda before=before: size_of(handled) > before[0] and size_of(confirmed) > before[1])
        ip("-n", _FAR, "link", "set", _FAR, "down")
        time.sleep(outage_s)  # the outage itself
        ip("-n", _FAR, "link", "set", _FAR, "up")
    publisher.kill()
    publisher.wait()
    promised = {number for (number,) in lines_of(confirmed)}
    wait_until(lambda: promised <= {number for number, _ in lines_of(handled)})
    print(f"{len(_OUTAGES_S)} outages: {len(promised)} confirmed, {len(lines_of(handled))} handled")
    assert unflagged_repeats((number, bool(flag), None) for number, flag in lines_of(handled)) == []
