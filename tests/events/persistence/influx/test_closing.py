"""InfluxEventWriter when it is closed, forgotten, or forked."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.events.persistence.influx.writing import IDLE, ids, numbered, writer_to
from tests.support.places import ROOT
from tests.support.recording import tick, ticks
from tests.support.stores.scripted import Reply, ScriptedServer
from trading.events.errors import StoreClosedError
from trading.events.persistence import InfluxEventWriter


async def test_closing_sends_what_waits_for_room_too(server: ScriptedServer) -> None:
    server.answer = lambda _request: Reply(503, "away")
    writer = writer_to(server, replace(IDLE, capacity_bytes=1))
    await writer.write_event(tick(0))
    writing = asyncio.create_task(writer.write_event(tick(1)))
    await asyncio.sleep(0)
    server.answer = lambda _request: Reply()
    await writer.aclose()
    await writing
    assert ids(server.stored) == numbered(0, 1)


async def test_discarding_says_how_many_are_lost_and_frees_who_waits(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = lambda _request: Reply(503, "away")
    writer = writer_to(server, replace(IDLE, capacity_bytes=1))
    await writer.write_batch(ticks(3))
    writing = asyncio.create_task(writer.write_event(tick(3)))
    flushing = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    await writer.aclose(timeout_s=0.01, discard=True)
    with pytest.raises(StoreClosedError, match="closed before the store took"):
        await writing
    with pytest.raises(StoreClosedError, match="closed before the store took"):
        await flushing
    assert "3 events are lost: the writer was closed before the store took them" in caplog.text
    await writer.aclose()


async def test_its_thread_ends_with_it(server: ScriptedServer) -> None:
    writer = writer_to(server)
    assert writer._sender.thread.is_alive()
    await writer.aclose()
    assert not writer._sender.thread.is_alive()


async def test_a_writer_that_is_forgotten_sends_what_it_has(server: ScriptedServer) -> None:
    writer = writer_to(server)
    await writer.write_batch(ticks(3))
    thread = writer._sender.thread
    del writer
    gc.collect()
    assert not thread.is_alive()
    assert ids(server.stored) == numbered(0, 1, 2)


def test_a_program_that_forgets_to_close_still_sends(server: ScriptedServer) -> None:
    program = f"""
import asyncio
from tests.support.recording import ticks
from trading.events.persistence import InfluxDatabase, InfluxEventWriter
writer = InfluxEventWriter(InfluxDatabase({server.url!r}, "market"))
asyncio.run(writer.write_batch(ticks(3)))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ids(server.stored) == numbered(0, 1, 2)


async def test_a_forked_child_cannot_use_it(server: ScriptedServer) -> None:
    async with writer_to(server) as writer:
        await writer.write_event(tick(0))
        child = os.fork()
        if child == 0:
            os._exit(0 if await refuses_all(writer) else 1)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    assert ids(server.stored) == numbered(0)


async def refuses_all(writer: InfluxEventWriter) -> bool:
    signal.alarm(0)
    for refused in (writer.write_event(tick(1)), writer.flush()):
        try:
            await refused
        except StoreClosedError:
            continue
        return False
    await writer.aclose()
    return True
