"""A hybrid bus begins, and takes subscriptions, while its server is away; what it has to send waits in the outbox."""

import logging
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.doubles import Recorder, ticks, until
from tests.support.server.process import Server
from trading.events import HybridEventBus, RedisEventBus


@pytest.mark.parametrize("options", [{}, {"mode": "streams"}], ids=["pubsub", "streams"])
async def test_it_works_locally_and_sends_when_the_server_is_there(
    tmp_path: Path, options: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: a hybrid bus whose `async with`, `subscribe` or `unsubscribe` needs the server."""
    server, namespace = Server(tmp_path / "server"), uuid4().hex
    heard, heard_elsewhere = Recorder(), Recorder()
    with caplog.at_level(logging.WARNING, "trading.events"):
        async with HybridEventBus(server.url, namespace=namespace, connect_timeout_s=0.2, **options) as bus:
            await bus.subscribe("tick", heard)
            ended = await bus.subscribe("order_*", heard)
            await bus.unsubscribe(ended)
            await bus.publish_batch(ticks(range(3)))
            await until(lambda: len(heard.seen) == 3)
            assert "it begins without, and goes on connecting" in caplog.text
            server.start()
            async with RedisEventBus(server.url, namespace=namespace, start="beginning", **options) as other:
                await other.subscribe("tick", heard_elsewhere)
                await until(lambda: bus._transport.is_up)
                await bus.publish_batch(ticks(range(3, 5)))
                await bus.join()
                await other.publish_batch(ticks(range(5, 7)))
                await until(lambda: len(heard.seen) == 7)
    server.kill()
    assert heard.seen == list(range(7))
    assert heard_elsewhere.seen[-4:] == list(range(3, 7))
