"""A process that is killed while it records leaves whole files, and nothing that a reader stumbles over."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.events.recording import files_of, read, record, tick
from trading.events.persistence import EventReader

# Writes a number on its standard output as soon as so many events are in the store.
RECORD_FOR_EVER = """
import asyncio, itertools, sys
from tests.events.recording import tick
from trading.events.persistence import ParquetEventWriter

async def main():
    async with ParquetEventWriter(sys.argv[1]) as writer:
        for count in itertools.count(1):
            await writer.write_batch([tick(count, symbol=symbol) for symbol in "ABC"])
            await writer.flush()
            print(count, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("kills", [3])
def test_what_was_flushed_survives_sigkill_and_the_store_can_be_used_again(tmp_path: Path, kills: int) -> None:
    flushed = 0
    for kill in range(1, kills + 1):
        command = [sys.executable, "-c", RECORD_FOR_EVER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - our own script
            assert child.stdout is not None
            for _ in range(10 * kill):
                assert child.stdout.readline()
            child.send_signal(signal.SIGKILL)
            flushed += 10 * kill + len(child.stdout.read().splitlines())

        found = read(tmp_path)
        assert len(found) >= 3 * flushed
        assert EventReader(tmp_path).count() == len(found)

    record(tmp_path, [tick(0, symbol="D")])
    assert len(read(tmp_path, symbol="D")) == 1


def test_a_file_that_was_not_finished_is_neither_read_nor_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".unfinished").write_bytes(b"PAR1 and then the light went out")
    record(tmp_path, [tick()])
    assert read(tmp_path) == [tick()]
    assert not (tmp_path / ".unfinished").exists()
    assert files_of(tmp_path) == ["2024/01/01/tick_binance_BTCUSDT.parquet"]
