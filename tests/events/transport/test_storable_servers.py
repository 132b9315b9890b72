"""An event that would not come back equal is refused by name on its way to a server, and by no other's account."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tests.support.classes.odd_classes import BoxEvent
from tests.support.doubles import Recorder, tick, until
from tests.support.server.process import Server
from trading.events import BaseEvent, ErrorEvent, HybridEventBus, RedisEventBus
from trading.events.errors import UnstorableEventError

Make = Callable[..., Awaitable[Any]]


@pytest.fixture
async def make(server: Server) -> AsyncIterator[Make]:
    """Makes buses that share a namespace, and closes them."""
    namespace, made = uuid4().hex, list[Any]()

    async def make(kind: Any, **options: Any) -> Any:
        made.append(kind(server.url, namespace=namespace, **options))
        return await made[-1].__aenter__()

    yield make
    for bus in made:
        await bus.aclose(timeout_s=0)


def secret() -> BaseEvent:
    event = BoxEvent(value=None, event_id="secret")
    event.__dict__["value"] = SecretStr("hush")
    return event


async def test_streams_refuse_it_at_its_publisher_and_send_what_stands_before_and_after(make: Make) -> None:
    """Turned red by: an encode error that is not named."""
    bus = await make(RedisEventBus, mode="streams")
    heard = Recorder()
    await bus.subscribe("tick", heard)
    with pytest.raises(UnstorableEventError, match=r"BoxEvent\.value"):
        await bus.publish(secret())
    with pytest.raises(UnstorableEventError, match=r"BoxEvent\.value"):
        await bus.publish_batch([tick(1), secret(), tick(2)])
    await bus.publish(tick(3))
    await until(lambda: 3 in heard.seen)
    assert heard.seen == [1, 2, 3]


async def test_publish_subscribe_tells_of_it_by_name_and_sends_the_rest(make: Make) -> None:
    """Turned red by: refusing the whole run of events that it is in."""
    bus = await make(RedisEventBus, mode="pubsub")
    heard, errors = Recorder(), list[ErrorEvent]()
    await bus.subscribe("tick", heard)
    await bus.subscribe(ErrorEvent, errors.append)
    await bus.publish_batch([tick(1), secret(), tick(2)])
    await bus.join()
    await until(lambda: heard.seen == [1, 2])
    assert [error.error_type.rpartition(".")[2] for error in errors] == ["UnstorableEventError"]
    assert "BoxEvent.value" in errors[0].message
    assert "hush" not in errors[0].model_dump_json()


@pytest.mark.parametrize("mode", ["pubsub", "streams"])
async def test_a_hybrid_delivers_it_to_its_own_and_tells_that_no_other_hears_it(make: Make, mode: str) -> None:
    """Turned red by: local delivery that encodes."""
    bus, other = await make(HybridEventBus, mode=mode), await make(RedisEventBus, mode=mode)
    own, errors, far = list[BaseEvent](), list[ErrorEvent](), Recorder()
    await bus.subscribe("odd_box", own.append)
    await bus.subscribe(ErrorEvent, errors.append)
    await other.subscribe("tick", far)
    event = secret()
    await bus.publish_batch([tick(1), event, tick(2)])
    await bus.join()
    assert own == [event]
    assert own[0] is event
    await until(lambda: len(far.seen) == 2)
    await until(lambda: bool(errors))
    assert [error.error_type.rpartition(".")[2] for error in errors] == ["UnstorableEventError"]
