"""The commands record, tail and replay, over a server."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from tests.support.doubles import order, tick, ticks, until
from tests.support.patience import PATIENCE_S
from tests.support.server.process import Server
from trading.events import RedisEventBus
from trading.events.cli import main
from trading.events.persistence import EventReader, ParquetEventWriter


@pytest.mark.parametrize("mode", ["pubsub", "streams"])
async def test_what_one_process_replays_another_one_records(server: Server, tmp_path: Path, mode: str) -> None:
    """Turned red by: replaying in memory whatever URL is given."""
    source, target = tmp_path / "source", tmp_path / "target"
    async with ParquetEventWriter(source) as writer:
        for event in ticks(range(100)):
            await writer.write_event(event)
    where = ["--mode", mode, "--namespace", uuid4().hex]
    command = [sys.executable, "-m", "trading.events.cli"]
    recording = subprocess.Popen(  # noqa: ASYNC220 - our own command, beside which this test waits on purpose
        [*command, "record", server.url, str(target), "--count", "100", *where], stdout=subprocess.PIPE, text=True
    )
    assert recording.stdout is not None
    assert "recording *" in recording.stdout.readline()
    replaying = subprocess.run(  # noqa: ASYNC221 - as above
        [*command, "replay", str(source), server.url, "--speed", "max", "--no-progress", *where], check=False
    )
    assert replaying.returncode == 0
    assert "recorded 100 events" in recording.communicate(timeout=PATIENCE_S)[0]
    recorded = [event.event_id async for event in EventReader(target).read_range()]
    assert sorted(recorded, key=int) == [str(number) for number in range(100)]


async def test_what_one_process_publishes_another_one_shows(server: Server) -> None:
    """Turned red by: showing what does not match, or each event only when the next one comes."""
    namespace = uuid4().hex
    command = [sys.executable, "-m", "trading.events.cli", "tail", server.url, "tick", "--namespace", namespace]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    tailing = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, env=buffered)
    assert tailing.stdout is not None
    with Redis(port=server.port) as client:
        await until(lambda: any(told["name"] == "tail" and int(told["psub"]) for told in client.client_list()))
    async with RedisEventBus(server.url, namespace=namespace) as bus:
        for number in range(3):
            await bus.publish_batch([order(100 + number), tick(number)])
            shown = json.loads(await tailing.stdout.readline())
            assert (shown["event_type"], shown["event_id"]) == ("tick", str(number))
    tailing.send_signal(signal.SIGINT)
    assert await tailing.wait() == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_recording_that_is_interrupted_has_kept_what_came(
    server: Server, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Turned red by: leaving without closing the store, or without saying what is in it."""
    where = ["--mode", "streams", "--namespace", uuid4().hex]
    command = [sys.executable, "-m", "trading.events.cli", "record", server.url, str(tmp_path / "store"), *where]
    recording = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert recording.stdout is not None
    await recording.stdout.readline()
    async with RedisEventBus(server.url, mode="streams", namespace=where[-1]) as bus:
        await bus.publish_batch(ticks(range(10)))
    reader = EventReader(tmp_path / "store")
    await until(lambda: reader.count() == 10)
    recording.send_signal(number)
    out, err = await recording.communicate()
    assert recording.returncode == code
    assert out.decode().startswith("recorded 10 events into ")
    assert len(err.splitlines()) == 1
    assert len([*(tmp_path / "store").rglob("tick_*.parquet")]) >= 1


def test_a_server_that_is_away_is_said_in_one_line_without_its_password(capsys: pytest.CaptureFixture[str]) -> None:
    """Turned red by: letting ServerError pass as a traceback."""
    assert main(["tail", "redis://:s3cret@127.0.0.1:1", "tick"]) == 1
    said = capsys.readouterr().err
    assert "127.0.0.1:1" in said
    assert "s3cret" not in said


def test_what_is_no_server_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Turned red by: leaving ValueError to the command."""
    assert main(["tail", "kafka://x"]) == 2
    assert "memory, redis" in capsys.readouterr().err
