"""A first connection that fails says why, and tells no secret."""

import pytest

from trading.events.errors import ServerError
from trading.events.redis_bus import RedisEventBus

FAILING = {"redis://me:hush@127.0.0.1:1/0": "refused|111", "redis://me:hush@no-such-host.invalid:1/0": "no-such-host"}


@pytest.mark.parametrize("mode", ["pubsub", "streams"])
@pytest.mark.parametrize("url", FAILING)
async def test_the_error_of_a_first_connection_says_why(url: str, mode: str) -> None:
    """Turned red by: an error that names the endpoint alone."""
    bus = RedisEventBus(url, mode=mode, connect_timeout_s=0.3)  # type: ignore[arg-type]
    with pytest.raises(ServerError, match=rf"no connection to redis://[^ ]*: .*({FAILING[url]})") as failed:
        await bus.__aenter__()
    await bus.aclose(timeout_s=0)
    assert "hush" not in str(failed.value)
