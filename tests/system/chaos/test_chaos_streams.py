"""Streams: what `publish` has returned for is handled, none twice without a flag, in order, whatever is killed."""

import asyncio
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis.asyncio import Redis

from tests.support.doubles import number_of, tick, until
from tests.support.server.process import Server
from tests.support.server.proxy import CuttingProxy
from trading.events import BaseEvent, RedisEventBus, is_redelivered

FAULTS = int(os.environ.get("CHAOS_FAULTS", "16"))
"""How many faults strike."""

FAULTS_OF_A_SERVER = ["kill the server", "stop the server", "kill its clients", "cut in a reply", "tiny output buffers"]


@pytest.fixture
def hang_limit_s() -> float:
    return 60.0 + 2 * FAULTS


class Handled(NamedTuple):
    """An event that was handled."""

    number: int
    is_flagged: bool
    by: "Consumer"


class Consumer:
    """A member of the group: notes what it handles, and can be killed."""

    def __init__(self, url: str, heard: list["Handled"]) -> None:
        self._heard = heard
        self._bus = RedisEventBus(url, mode="streams", group="g", **QUICK, claim_idle_s=0.5)

    async def start(self) -> "Consumer":
        self._bus.on("tick")(self._handle)
        await self._bus.__aenter__()
        return self

    async def _handle(self, event: BaseEvent) -> None:
        flagged = is_redelivered()
        if number_of(event) % 3 == 0:
            await asyncio.sleep(0)
        self._heard.append(Handled(number_of(event), flagged, self))

    async def kill(self) -> None:
        await self._bus.aclose(timeout_s=0)

    async def close(self) -> None:
        await self._bus.aclose(timeout_s=5)


QUICK: dict[str, Any] = {"reply_timeout_s": 0.5, "connect_timeout_s": 3.0}


async def strike(kind: str, server: Server, proxy: CuttingProxy, chance: random.Random) -> None:
    """One fault."""
    match kind:
        case "kill the server":
            server.kill()
            await asyncio.to_thread(server.start)
        case "stop the server":
            server.freeze()
            await asyncio.sleep(chance.uniform(0.05, 0.8))
            server.thaw()
        case "tiny output buffers":
            async with Redis.from_url(server.url) as client:
                limits = await client.config_get("client-output-buffer-limit")
                await client.config_set("client-output-buffer-limit", "normal 20000 0 0 pubsub 20000 0 0")
                await asyncio.sleep(chance.uniform(0.05, 0.3))
                await client.config_set("client-output-buffer-limit", limits["client-output-buffer-limit"])
        case "kill its clients":
            async with Redis.from_url(server.url) as client:
                await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        case _:
            cuts = proxy.cuts
            proxy.cut_replies_after(chance.randrange(1, 2_000))
            await until(lambda: proxy.cuts > cuts)


def unflagged_repeats(heard: Iterable[tuple[int, bool, object]]) -> list[int]:
    """What was handled again without being told so."""
    known: set[int] = set()
    found: list[int] = []
    for number, is_flagged, _ in heard:
        if number in known and not is_flagged:
            found.append(number)
        known.add(number)
    return found


async def test_nothing_that_was_promised_is_lost(tmp_path: Path) -> None:
    """Turned red by: `_confirm` before the replies; a script that appends repeats; a reader that skips pending ones."""
    chance = random.Random(7)
    server = Server(tmp_path / "server", appendonly="yes", appendfsync="always").start()
    proxy = await CuttingProxy(server.port).start()
    heard: list[Handled] = []
    confirmed: list[int] = []
    consumer = await Consumer(proxy.url, heard).start()
    publisher = RedisEventBus(proxy.url, mode="streams", **QUICK)
    await publisher.__aenter__()
    is_over = False

    async def publish() -> None:
        number = 0
        while not is_over:
            batch = [tick(number + step) for step in range(chance.randrange(1, 50))]
            await publisher.publish_batch(batch)
            confirmed.extend(number_of(event) for event in batch)
            number += len(batch)
            await asyncio.sleep(0)

    publishing = asyncio.create_task(publish())
    kinds = [*FAULTS_OF_A_SERVER, "kill the consumer"]
    struck = dict.fromkeys(kinds, 0)
    kills = 0
    for number in range(FAULTS):
        kind = kinds[number % len(kinds)]
        seen = len(heard)
        await until(lambda seen=seen: len(heard) > seen)
        if kind == "kill the consumer":
            await consumer.kill()
            consumer = await Consumer(proxy.url, heard).start()
            kills += 1
        else:
            await strike(kind, server, proxy, chance)
        struck[kind] += 1
    is_over = True
    await publishing
    await until(lambda: len({handled.number for handled in heard}) >= len(confirmed))
    await consumer.close()
    await publisher.aclose()
    await proxy.close()
    server.kill()

    flagged = sum(handled.is_flagged for handled in heard)
    twice = len(heard) - len({handled.number for handled in heard})
    print(f"{struck}: {len(confirmed)} confirmed, {len(heard)} handled, {twice} of them again, {flagged} flagged")
    assert {handled.number for handled in heard} == set(confirmed)
    assert unflagged_repeats(heard) == []
    assert len({(number, by) for number, _, by in heard}) == len(heard), "handled twice, though its consumer lived"
    fresh = [handled.number for handled in heard if not handled.is_flagged]
    assert fresh == sorted(fresh), "out of order"
    assert publisher.transport_statistics().missed == 0
