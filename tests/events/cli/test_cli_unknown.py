"""Events of types that no class of the command line is for: recorded, shown, forwarded; and --import."""

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from tests.events.cli.program import run_program, start_program, store, stored
from tests.support.doubles import tick, until
from tests.support.recording import START
from tests.support.server.process import Server
from trading.events import RedisEventBus, UnknownEvent, encode_event
from trading.events.cli import main
from trading.events.persistence import EventReader
from trading.events.settings import EventBusSettings

MODULE = """
from typing import Literal

from trading.events import Amount, BaseEvent


class CarryEvent(BaseEvent):
    event_type: Literal["cli_carry"] = "cli_carry"
    rate: Amount
"""
ROW = {"_v": 1, "_t": "cli_carry", "_ts": START, "_x": "binance", "_s": "BTC/USDT", "rate": "0.10"}


def carry(number: int, **more: Any) -> UnknownEvent:
    import msgpack  # noqa: PLC0415 - of this helper alone

    row = ROW | {"_id": f"carry-{number}"} | more
    return UnknownEvent.of_bytes(msgpack.packb(row, datetime=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module of event classes, from which a command is run."""
    (tmp_path / "carry_events.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more


@pytest.mark.parametrize("mode", ["pubsub", "streams"])
@pytest.mark.parametrize("imports", [[], ["--import", "carry_events"]])
async def test_what_no_class_is_for_is_recorded_all_the_same(
    server: Server, folder: Path, mode: str, imports: list[str]
) -> None:
    """Turned red by: a recorder that skips events of types that it does not know."""
    namespace = uuid4().hex
    where = ["--mode", mode, "--namespace", namespace]
    recording = start_program("record", server.url, "store", "--count", "4", *where, *imports, cwd=folder)
    assert recording.stdout is not None
    assert "recording *" in recording.stdout.readline()
    sent = [carry(0), tick(1), carry(2), carry(3)]
    async with RedisEventBus(server.url, namespace=namespace, mode=mode) as bus:
        await bus.publish_batch(sent)
    out, err = await asyncio.to_thread(recording.communicate)
    assert (recording.returncode, out) == (0, "recorded 4 events into store\n")
    assert ("3 events of types that no class here is for, recorded as they came: cli_carry (3)" in err) == (not imports)
    found = sorted(EventReader(folder / "store").read_range(unknown="mapping"), key=lambda event: event.event_id)
    assert {event.event_id for event in found} == {"carry-0", "1", "carry-2", "carry-3"}
    if not imports:
        assert [encode_event(event) for event in found[1:]] == [encode_event(carry(each)) for each in (0, 2, 3)]
    code, shown, _ = run_program("query", "store", "--import", "carry_events", "--format", "csv", cwd=folder)
    rows = {row["event_id"]: row for row in csv.DictReader(io.StringIO(shown))}
    assert (code, rows["carry-2"]["rate"], "unknown_fields" in rows["1"]) == (0, "0.10", False)


async def test_tail_shows_them_as_they_came(server: Server) -> None:
    namespace = uuid4().hex
    tailing = start_program("tail", server.url, "--count", "1", "--namespace", namespace)
    with Redis(port=server.port) as client:
        await until(lambda: any(told["name"] == "tail" and int(told["psub"]) for told in client.client_list()))
    async with RedisEventBus(server.url, namespace=namespace) as bus:
        await bus.publish(carry(7, note="\x1b[31m", deep={"key\x1b": [1, None]}))
    out, _ = await asyncio.to_thread(tailing.communicate)
    assert "\x1b" not in out
    shown = json.loads(out)
    assert (shown["event_type"], shown["rate"], shown["note"]) == ("cli_carry", "0.10", "\x1b[31m")
    assert shown["deep"] == {"key\x1b": [1, None]}


def test_they_are_shown_as_mappings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = store(tmp_path, [carry(0, **{"name\x1b[2J": "\x1b[31m"}), tick(1)])
    assert main(["query", str(path)]) == 0
    told = capsys.readouterr()
    assert (told.err, "\x1b" in told.out) == ("", False)
    assert r"rate=0.10 name\x1b[2J='\x1b[31m'" in told.out
    assert main(["query", str(path), "--format", "csv"]) == 0
    told = capsys.readouterr()
    rows = {row["event_id"]: row for row in csv.DictReader(io.StringIO(told.out))}
    assert "\x1b" not in told.out
    assert json.loads(rows["carry-0"]["unknown_fields"]) == {"rate": "0.10", "name\x1b[2J": "\x1b[31m"}
    assert rows["1"]["unknown_fields"] == ""
    assert main(["query", str(path), "--format", "jsonl", "--event", "cli_carry"]) == 0
    assert json.loads(capsys.readouterr().out)["rate"] == "0.10"
    assert main(["inspect", str(path)]) == 0
    assert "2 events of 2 topics" in capsys.readouterr().out
    assert main(["verify", str(path)]) == 0
    assert main(["query", str(path), "--event", "cli_cary"]) == 1
    assert "did you mean cli_carry?" in capsys.readouterr().err


async def test_they_are_replayed_over_a_server_as_they_came(server: Server, tmp_path: Path) -> None:
    """Turned red by: a replay that reads with unknown='raise'."""
    path = tmp_path / "source"
    sent = [carry(number) for number in range(3)]
    await asyncio.to_thread(store, path, sent)
    where = ["--mode", "streams", "--namespace", uuid4().hex]
    recording = start_program("record", server.url, tmp_path / "target", "--count", "3", *where)
    assert recording.stdout is not None
    recording.stdout.readline()
    code, out, _ = await asyncio.to_thread(run_program, "replay", path, server.url, "--speed", "max", *where)
    await asyncio.to_thread(recording.communicate)
    assert (code, "3 published, 3 handled" in out) == (0, True)
    assert [event.encoded for event in EventReader(tmp_path / "target").read_range(unknown="mapping")] == [
        event.encoded for event in sent
    ]


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--import", "carry_events"], {}),
        ([], {"TRADING_EVENTS_IMPORT": " json, carry_events ,"}),
        (["--import", "json", "--import", "carry_events"], {"TRADING_EVENTS_IMPORT": ""}),
    ],
)
def test_modules_are_imported_from_the_current_folder_before_a_command_runs(
    folder: Path, arguments: list[str], variables: dict[str, str]
) -> None:
    """Turned red by: importing after the command; a folder that only `python -m` looks into."""
    store(folder / "store", [carry(0)])
    program = [str(Path(sys.executable).parent / "trading-events"), "query", "store", "--format", "csv", *arguments]
    done = subprocess.run(program, cwd=folder, env=environment(**variables), capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert next(csv.DictReader(io.StringIO(done.stdout)))["rate"] == "0.10"


@pytest.mark.parametrize("command", ["demo", "import", "inspect", "query", "replay", "record", "tail", "verify"])
def test_a_module_that_cannot_be_imported_is_a_usage_error(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    needed = {"import": ["x"], "record": ["redis://x"], "tail": ["redis://x"]}.get(command, [])
    event = ["--event", "trade"] if command == "import" else []
    assert main([command, *needed, *event, "--import", "no_such_module_of_ours"]) == 2
    assert "--import no_such_module_of_ours: ModuleNotFoundError" in capsys.readouterr().err


def test_a_module_that_raises_is_a_usage_error_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "broken_events.py").write_text("raise RuntimeError('no \x1b[31m')", encoding="utf-8")
    monkeypatch.setenv("TRADING_EVENTS_IMPORT", "broken_events")
    code, out, err = run_program("inspect", "store", cwd=folder)
    assert (code, out) == (2, "")
    assert err == "trading-events: error: TRADING_EVENTS_IMPORT broken_events: RuntimeError: no \\x1b[31m\n"
    assert "Traceback" in run_program("inspect", "store", "--debug", cwd=folder)[2]


def test_the_variable_is_no_unknown_setting() -> None:
    assert EventBusSettings.from_environment({"TRADING_EVENTS_IMPORT": "a"}).options() == {}


@pytest.mark.parametrize(("start", "count"), [("first", 3), ("0", 3), ("2000-01-01", 3), (None, 1)])
async def test_record_and_tail_begin_where_they_are_told(
    server: Server, tmp_path: Path, start: str | None, count: int
) -> None:
    """Turned red by: a start that is not handed on."""
    namespace = uuid4().hex
    where = ["--mode", "streams", "--namespace", namespace, *(["--start", start] if start else [])]
    async with RedisEventBus(server.url, namespace=namespace, mode="streams") as bus:
        await bus.publish_batch([tick(0), tick(1)])
        recording = start_program("record", server.url, tmp_path, "--count", count, *where)
        assert recording.stdout is not None
        recording.stdout.readline()
        tailing = start_program("tail", server.url, "--count", count, *where)
        if start is None:
            assert tailing.stdout is not None
            with Redis(port=server.port) as client:
                await until(
                    lambda: any(told["name"] == "tail" and told["cmd"] == "xread" for told in client.client_list())
                )
        await bus.publish(tick(2))
        await asyncio.to_thread(recording.communicate)
        shown, _ = await asyncio.to_thread(tailing.communicate)
    expected = ["0", "1", "2"][-count:]
    assert sorted(event.event_id for event in stored(tmp_path)) == expected
    assert [json.loads(line)["event_id"] for line in shown.splitlines()] == expected


@pytest.mark.parametrize("command", ["record", "tail"])
def test_a_start_is_refused_where_nothing_is_kept(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "redis://localhost", "--start", "first"]) == 2
    assert "--start needs --mode streams: publish/subscribe keeps nothing" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([command, "redis://localhost", "--mode", "streams", "--start", "noon"])
    assert "'noon' is no ISO 8601 time" in capsys.readouterr().err
