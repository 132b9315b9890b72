"""Buses over a server that asks who they are, and over one that encrypts."""

import logging
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from tests.support.doubles import Recorder, order, tick, ticks, until
from tests.support.server.process import Server
from trading.events import RedisEventBus
from trading.events.errors import ServerError

_USER = ("ACL", "SETUSER", "trader", "on", ">s3cret", "resetkeys", "resetchannels", "+@all", "-@admin", "-@dangerous")


@pytest.fixture
def namespace() -> str:
    return uuid4().hex


@pytest.mark.parametrize("options", [{}, {"mode": "streams", "group": "g"}], ids=["pubsub", "group"])
async def test_a_connection_may_be_encrypted(
    encrypting: tuple[str, Path], namespace: str, options: dict[str, Any]
) -> None:
    """Turned red by: leaving the options of the URL out of a connection."""
    url, certificate = encrypting
    recorder = Recorder()
    async with RedisEventBus(f"{url}?ssl_ca_certs={certificate}", namespace=namespace, **options) as bus:
        await bus.subscribe("tick", recorder)
        await bus.publish_batch(ticks(range(300)))
        await bus.join()
    assert recorder.seen == list(range(300))


async def test_a_certificate_that_nobody_vouches_for_is_refused(encrypting: tuple[str, Path]) -> None:
    """Turned red by: connecting without a look at the certificate."""
    url, _ = encrypting
    bus = RedisEventBus(url, connect_timeout_s=0.5)
    with pytest.raises(ServerError, match="no connection to rediss://"):
        await bus.__aenter__()
    await bus.aclose(timeout_s=0)


@pytest.mark.parametrize("options", [{}, {"mode": "streams"}, {"mode": "streams", "group": "g"}])
async def test_a_user_needs_only_its_own_namespace_and_no_dangerous_commands(
    server: Server, namespace: str, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: a command for administrators that a bus cannot do without."""
    with Redis(port=server.port) as client:
        client.execute_command(*_USER, f"~{{{namespace}:*", f"&{namespace}*", f"&{namespace}:events.tick.*.*")
    recorder = Recorder()
    url = f"redis://trader:s3cret@127.0.0.1:{server.port}"
    with caplog.at_level(logging.DEBUG):
        async with RedisEventBus(url, namespace=namespace, **options) as bus:
            await bus.subscribe("tick", recorder)
            await bus.publish_batch(ticks(range(50)))
            await bus.join()
            shown = repr(bus) + str(vars(bus))
    assert recorder.seen == list(range(50))
    assert "s3cret" not in shown + caplog.text


async def test_behind_sentinels_a_user_needs_no_dangerous_commands_either(
    server: Server, namespace: str, tmp_path: Path
) -> None:
    """Turned red by: asking the server with ROLE whether it is the master."""
    with Redis(port=server.port) as client:
        client.execute_command(*_USER, f"~{{{namespace}:*", f"&{namespace}*")
    path = tmp_path / "sentinel.conf"
    path.write_text(f"sentinel monitor service 127.0.0.1 {server.port} 1\n")
    sentinel = Server(tmp_path / "sentinel")
    sentinel.files = [str(path), "--sentinel"]
    sentinel.start()
    url = f"redis+sentinel://trader:s3cret@127.0.0.1:{sentinel.port}/service/0"
    recorder = Recorder()
    async with RedisEventBus(url, mode="streams", namespace=namespace) as bus:
        await bus.subscribe("tick", recorder)
        await bus.publish(tick(1))
        await bus.join()
    sentinel.kill()
    assert recorder.seen == [1]


async def test_a_subscription_that_the_server_refuses_is_an_error(server: Server, namespace: str) -> None:
    """Turned red by: asking again for ever."""
    with Redis(port=server.port) as client:
        client.execute_command(*_USER, f"&{namespace}!beats", f"&{namespace}:events.order_*.*.*")
    url = f"redis://trader:s3cret@127.0.0.1:{server.port}"
    async with RedisEventBus(url, namespace=namespace) as bus:
        recorder = Recorder()
        allowed = await bus.subscribe("order_*", recorder)
        with pytest.raises(ServerError, match="refuses the subscription"):
            await bus.subscribe("tick", recorder)
        assert set(bus.statistics().subscriptions) == {allowed}
        await until(lambda: bus.transport_statistics().reconnects)
        await bus.publish_batch([order(1), tick(2)])
        await until(lambda: recorder.seen)
        assert recorder.seen == [1]
