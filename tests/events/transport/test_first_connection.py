"""A first connection that fails says why, in the error and in the log, and leaves nothing that goes on trying."""

import asyncio
import logging
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.server.process import Server, free_port
from trading.events import RedisEventBus
from trading.events.errors import ServerError

_HERE = "127.0.0.1"
CASES = {
    "a port where nobody listens": (f"redis://trader:hush@{_HERE}:{{closed}}", "{closed}. Connect call failed"),
    "a database that the server does not have": (f"redis://{_HERE}:{{port}}/99", "refuses the connection: DB index"),
    "a password that the server does not want": (f"redis://:hush@{_HERE}:{{port}}", "refuses the connection: AUTH"),
    "a cluster that is none": (f"redis+cluster://{_HERE}:{{port}}", "no node of the cluster says which one"),
    "a sentinel that is none": (
        f"redis+sentinel://{_HERE}:{{port}}/main",
        "no sentinel knows the service main: unknown",
    ),
}


async def failure_of(url: str) -> str:
    """What is said of a first connection. A slow machine is given longer, so that an attempt has ended."""
    for timeout_s in (0.5, 5.0, PATIENCE_S):
        with pytest.raises(ServerError) as failed:
            async with RedisEventBus(url, connect_timeout_s=timeout_s):
                raise AssertionError("it is connected")
        if "no answer within" not in str(failed.value):
            break
    return str(failed.value)


@pytest.mark.parametrize("case", CASES)
async def test_the_reason_is_in_the_error_and_the_log_and_no_secret_is(
    server: Server, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Turned red by: an error without the last attempt's reason; a bus that goes on connecting."""
    ports = {"port": server.port, "closed": free_port()}
    url, said = (text.format(**ports) for text in CASES[case])
    tasks = asyncio.all_tasks()
    with caplog.at_level(logging.WARNING, "trading.events"):
        failure = await failure_of(url)
    assert said in failure
    assert asyncio.all_tasks() == tasks
    assert failure.rpartition(": ")[2] in caplog.text
    assert "hush" not in f"{failure}{caplog.text}"
    assert not [record for record in caplog.records if record.exc_info]


async def test_where_only_one_side_speaks_tls_the_other_is_named(server: Server, encrypting: tuple[str, Path]) -> None:
    """Turned red by: leaving the hints out."""
    url, _ = encrypting
    plain = await failure_of(url.replace("rediss://", "redis://"))
    assert plain.endswith("; does the server expect TLS there (rediss://)?")
    with pytest.raises(ServerError, match=r"; the URL asks for TLS: does the server speak it there\?$"):
        async with RedisEventBus(f"rediss://127.0.0.1:{server.port}", connect_timeout_s=0.5):
            raise AssertionError("it is connected")
