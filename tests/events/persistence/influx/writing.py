"""Writers to a server that answers as a test says, and what it has stored."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from tests.support.stores.scripted import Reply, Request, ScriptedServer
from trading.events.errors import StoreUnavailableError
from trading.events.persistence import ArcticEventWriter, InfluxDatabase, InfluxEventWriter, SendingPolicy

PATIENT = SendingPolicy(age_s=3_600.0, retry_s=0.001, longest_retry_s=0.01)
"""Sends nothing by itself, and tries again soon."""

IDLE = replace(PATIENT, retry_s=3_600.0, longest_retry_s=3_600.0)
"""Sends nothing by itself, and tries nothing again by itself."""


def writer_to(server: ScriptedServer, policy: SendingPolicy = PATIENT, **options: Any) -> InfluxEventWriter:
    return InfluxEventWriter(InfluxDatabase(server.url, "market"), policy=policy, **options)


async def failing(writer: InfluxEventWriter | ArcticEventWriter, text: str = "") -> None:
    """Flushes until an attempt has failed, with such a text."""
    while writer.failure is None or text not in writer.failure:
        with suppress(StoreUnavailableError):
            await writer.flush(timeout_s=0.01)


def ids(lines: list[str]) -> list[str]:
    return [line.split('event_id="')[1].split('"')[0] for line in lines]


def numbered(*numbers: int) -> list[str]:
    return [f"tick-{number}" for number in numbers]


def refuse(*numbers: int, status: int = 400, body: str = '{"error":"field type conflict"}') -> Any:
    """Refuses every request that holds one of these ticks."""
    bad = {f'event_id="tick-{number}"' for number in numbers}

    def answer(request: Request) -> Reply:
        return Reply(status, body) if any(each in line for line in request.lines for each in bad) else Reply()

    return answer
