"""How the command line ends by Ctrl-C and other signals, at chosen moments; `tests/system/interrupts` takes any."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from tests.events.cli.program import start_program, store
from tests.support.classes.samples import sample
from tests.support.doubles import until
from tests.support.server.process import Server
from tests.support.signals import default_signals
from tests.system.interrupts.interrupt import PROGRAMS
from trading.events import RedisEventBus
from trading.events.market_data import TradeEvent

ENDS = [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143), (signal.SIGHUP, "hung up", 129)]
BEGINNING = """
import asyncio, os, pathlib, signal, subprocess, sys, threading, time
from trading.events.cli.signals import *
def raise_signal(number=signal.SIGINT): os.kill(os.getpid(), number)
take_signals()
"""


@pytest.fixture(autouse=True, scope="module")
def _default_signals() -> Iterator[None]:
    with default_signals():
        yield


def run_script(script: str, *arguments: object) -> tuple[int, str, str]:
    """Runs a program that has taken signals, as the command line does; its exit code, and what it said."""
    command = [sys.executable, "-c", BEGINNING + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def until_ended(pid: int) -> None:
    """Waits until a process has ended, of which its parent need not have heard; a killed one takes a moment to."""
    status = Path(f"/proc/{pid}/status")
    with suppress(FileNotFoundError, ProcessLookupError):
        while not re.search(r"State:\s+[ZX]", status.read_text()):
            os.sched_yield()


def kills_itself_in_an_import(folder: Path) -> dict[str, str]:
    """An environment in which the process sends itself Ctrl-C while `pydantic` is imported."""
    (folder / "pydantic.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nprint('goes on')\n")
    return os.environ | {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("program", PROGRAMS)
def test_while_it_is_imported_it_ends_by_the_signal_without_a_word(program: Sequence[str], tmp_path: Path) -> None:
    """Turned red by: leaving Python's own handler in place until all is imported."""
    done = subprocess.run(
        [*program, "--help"], env=kills_itself_in_an_import(tmp_path), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize("module", ["trading.events", "trading._events_command", "trading.events.cli.program"])
@pytest.mark.parametrize("how", ["import {}", "import sys; sys.argv[0] = '-m'; import {}"])
def test_importing_the_library_changes_no_handler(module: str, how: str) -> None:
    """Turned red by: doing in a module what only the program does; by taking any `-m` for the command line."""
    names = "[signal.getsignal(each) for each in sorted(signal.valid_signals())]"
    script = f"import signal; before = {names}; {how.format(module)}; assert before == {names}"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_the_process_was_started_to_ignore_stays_ignored(number: signal.Signals) -> None:
    """Turned red by: taking every signal, so that what runs in the background of a script ends by Ctrl-C."""
    script = f"""
import signal
signal.signal({int(number)}, signal.SIG_IGN)
from trading._events_command import die_of_interrupts
die_of_interrupts()
{BEGINNING}
raise_signal({int(number)})
print("goes on")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "goes on\n", "")


@pytest.mark.parametrize(("number", "word", "code"), ENDS)
def test_one_word_and_an_exit_code_tell_which_signal_it_was(number: signal.Signals, word: str, code: int) -> None:
    """Turned red by: taking one of the three for another, or not at all."""
    ended = run_script(f"raise_signal({int(number)}); print('goes on')")
    assert ended == (code, "", f"trading-events: {word}\n")


def test_work_is_cancelled_by_the_first_signal_and_finishes() -> None:
    """Turned red by: leaving at once; by forgetting the signal when the work has ended."""
    code, out, err = run_script("""
async def work():
    try:
        raise_signal()
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0)
        print("finished")
try:
    run_until_signal(work())
except Interrupted:
    say(received_signal())
    sys.exit(exit_code(received_signal()))
""")
    assert (code, out, err) == (130, "finished\n", "trading-events: interrupted\n")


def test_work_that_takes_no_notice_of_being_cancelled_was_interrupted_all_the_same() -> None:
    """Turned red by: letting the result of such work stand."""
    code, out, _ = run_script("""
async def work():
    raise_signal()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        pass
try:
    run_until_signal(work())
except Interrupted:
    print("interrupted")
""")
    assert (code, out) == (0, "interrupted\n")


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_it_while_it_finishes_with_the_word_and_code_of_the_first(second: int) -> None:
    """Turned red by: cancelling again and again, or saying a word for each signal."""
    code, _, err = run_script(f"""
async def work():
    try:
        raise_signal()
        await asyncio.sleep(60)
    finally:
        raise_signal({int(second)})
        await asyncio.sleep(60)
run_until_signal(work())
""")
    assert (code, err) == (130, "trading-events: interrupted\n")


@pytest.mark.parametrize("where", ["atexit.register(raise_signal)", "weakref.finalize(take_signals, raise_signal)"])
def test_a_signal_at_the_interpreters_exit_is_answered_too(where: str) -> None:
    """Turned red by: giving the handlers back when the command has run."""
    assert run_script(f"import atexit, weakref; {where}") == (130, "", "trading-events: interrupted\n")


def test_a_word_that_was_said_is_not_said_again_at_exit() -> None:
    code, _, err = run_script("import atexit; atexit.register(raise_signal); say(signal.SIGINT); sys.exit(130)")
    assert (code, err) == (130, "trading-events: interrupted\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_when_all_is_done_signals_are_ignored(program: Sequence[str], tmp_path: Path) -> None:
    """Turned red by: leaving the end of the interpreter to the signals' own ways."""
    (tmp_path / "sitecustomize.py").write_text("""
import atexit, os, signal, sys
def interrupt():
    print("last", flush=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), number)
atexit.register(interrupt)
""")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([*program, "--version"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, "last", "")


def test_a_folder_goes_away_though_threads_write_into_it(tmp_path: Path) -> None:
    """Turned red by: removing it while this process still has threads."""
    folder = tmp_path / "unfinished"
    code, _, err = run_script(
        """
folder = pathlib.Path(sys.argv[1])
def write():
    number = 0
    while True:
        number += 1
        place = folder / str(number % 7) / "deep"
        place.mkdir(parents=True, exist_ok=True)
        (place / str(number)).touch()
        if number == 100: ready.set()
ready = threading.Event()
with removed_by_signal(folder):
    for _ in range(4): threading.Thread(target=write, daemon=True).start()
    ready.wait()
    raise_signal()
""",
        folder,
    )
    assert (code, err) == (130, "trading-events: interrupted\n")
    assert not folder.exists()


def test_a_child_is_killed_and_nothing_of_it_is_heard() -> None:
    code, out, err = run_script("""
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.PIPE, text=True)
with killed_by_signal(child):
    print(child.pid, flush=True)
    raise_signal()
""")
    assert (code, err) == (130, "trading-events: interrupted\n")
    until_ended(int(out))


def test_a_signal_waits_while_something_is_made_that_is_to_be_removed(tmp_path: Path) -> None:
    """Turned red by: handling it between the making and the note of it."""
    folder = tmp_path / "unfinished"
    script = """
folder = pathlib.Path(sys.argv[1])
with signals_held():
    folder.mkdir()
    raise_signal()
    removing = removed_by_signal(folder)
    removing.__enter__()
    print("noted", flush=True)
print("goes on", flush=True)
"""
    assert run_script(script, folder) == (130, "noted\n", "trading-events: interrupted\n")
    assert not folder.exists()


def test_it_ends_where_nobody_reads_what_it_says() -> None:
    """Turned red by: waiting for room in a pipe whose reader does not read, such as `less`."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    while True:
        try:
            os.write(write_end, bytes(65_536))
        except BlockingIOError:
            break
    os.set_blocking(write_end, True)
    done = subprocess.run([sys.executable, "-c", f"{BEGINNING}\nraise_signal()"], stderr=write_end, check=False)
    os.close(read_end)
    os.close(write_end)
    assert done.returncode == 130


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_it_ends_by_the_signal_where_the_reader_has_gone_with_it(stream: str, tmp_path: Path) -> None:
    """Turned red by: leaving what stands in the buffer to the interpreter's exit, which complains and ends with 120."""
    path = store(tmp_path, [sample(TradeEvent), sample(TradeEvent, timestamp="2024-01-02")])
    with start_program("replay", path, "--progress", "--speed", "0.001") as process:
        assert process.stderr is not None
        process.stderr.read(len("\rreplay  ["))
        pipe = getattr(process, stream)
        pipe.close()
        process.send_signal(signal.SIGINT)
        process.wait()
        assert process.returncode == 130
        if stream == "stdout":
            assert process.stderr.read().splitlines()[-1] == "trading-events: interrupted"


def test_help_for_a_reader_who_has_gone_is_no_complaint() -> None:
    """Turned red by: leaving what `argparse` prints to the interpreter's exit."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end) as nobody, start_program("--help", stdout=nobody) as process:
        assert process.communicate()[1] == ""
    assert process.returncode == 0


async def test_a_reader_who_goes_away_ends_tail(server: Server) -> None:
    """Turned red by: leaving a failed print to the bus, which reports each as a failure of a handler."""
    namespace = uuid4().hex
    read_end, write_end = os.pipe()
    with os.fdopen(write_end) as output:
        process = start_program("tail", server.url, "--namespace", namespace, stdout=output)
    with process, Redis(port=server.port) as client, os.fdopen(read_end) as reader:
        async with RedisEventBus(server.url, namespace=namespace) as bus:
            await until(lambda: any(told["name"] == "tail" and int(told["psub"]) for told in client.client_list()))
            await bus.publish(sample(TradeEvent))
            assert await asyncio.to_thread(reader.readline)
            reader.close()
            await bus.publish_batch([sample(TradeEvent)] * 5)
            _, complaints = await asyncio.to_thread(process.communicate)
    assert (process.returncode, complaints) == (141, "")


@pytest.mark.parametrize("is_link", [False, True])
def test_the_output_of_an_interrupted_query_does_not_pass_for_a_whole_one(tmp_path: Path, *, is_link: bool) -> None:
    """Turned red by: leaving half a file; by removing a link, such as /dev/stdout."""
    output = tmp_path / "out"
    if is_link:
        output.symlink_to(tmp_path / "target")
    script = """
from trading.events.cli.commands.query_store import _output
with _output(pathlib.Path(sys.argv[1])) as out:
    out.write("half")
    raise_signal()
"""
    assert run_script(script, output) == (130, "", "trading-events: interrupted\n")
    assert output.is_symlink() == is_link
    assert [path.name for path in tmp_path.iterdir() if not path.is_symlink()] == ["target"] * is_link
