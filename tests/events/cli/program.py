"""The command line as a program in a process of its own, and stores for it to work on."""

import asyncio
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trading.events.base import BaseEvent
from trading.events.persistence import EventReader, ParquetEventWriter


def start_program(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Starts `trading-events` in a process of its own."""
    command = [sys.executable, "-m", "trading.events.cli", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes | options)


def run_program(*arguments: object, **options: Any) -> tuple[int, str, str]:
    """Runs `trading-events` in a process of its own. Returns its exit code and what it printed and complained."""
    with start_program(*arguments, **options) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def store(path: Path, events: Iterable[BaseEvent]) -> Path:
    """A store that holds these events."""

    async def write() -> None:
        async with ParquetEventWriter(path) as writer:
            await writer.write_batch(list(events))

    asyncio.run(write())
    return path


def stored(path: Path) -> list[BaseEvent]:
    """The events that a store holds, in order."""
    return list(EventReader(path).read_range())
