"""The example of paper trading: the same orders live, in a back-test, and over two processes with a server."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from examples import paper_trading
from tests.support.server.process import Server
from trading.events import ManualClock, OrderCancelledEvent, OrderEvent, OrderFilledEvent, TradeEvent
from trading.events.persistence import EventReader

EXAMPLE = Path(paper_trading.__file__)
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
LENGTH_S = paper_trading.TRADES * paper_trading.TRADE_EVERY_S
CHECKERS = {
    "mypy": ["--strict", "--config-file="],
    "basedpyright": [f"--pythonpath={sys.executable}", "--level=error"],
}


@pytest.fixture(scope="module", autouse=True)
def hang_limit_s() -> float:
    return 240.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What was recorded live."""
    path = str(tmp_path_factory.mktemp("paper") / "live")
    asyncio.run(run_to_the_end(ManualClock(NOON), lambda clock: paper_trading.live(path, clock)))
    return path


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    server = Server(folder).start()
    yield server
    server.kill()


async def run_to_the_end(clock: ManualClock, start: Any) -> Any:
    """Runs the live system while the market is open, as fast as possible."""
    running = asyncio.ensure_future(start(clock))
    while not clock.has_timers and not running.done():  # noqa: ASYNC110 - nothing else tells that it has begun
        await asyncio.sleep(0.001)
    await clock.advance(LENGTH_S)
    return await running


def orders_of(events: Any) -> list[str]:
    """All that happened to orders, to the digit."""
    return [event.model_dump_json(exclude={"event_id"}) for event in events]


def recorded(store: str) -> list[str]:
    return orders_of(event for event in EventReader(store).read_range() if isinstance(event, OrderEvent))


def test_live_some_orders_are_filled_and_some_cancelled_by_the_clock(store: str) -> None:
    reader = EventReader(store)
    assert reader.count(event_type=TradeEvent) == paper_trading.TRADES
    assert reader.count(event_type=OrderFilledEvent) > 3
    cancelled = list(reader.read_range(event_type=OrderCancelledEvent))
    assert len(cancelled) > 3
    assert len(recorded(store)) > 20


@pytest.mark.parametrize("speed", [None, 100.0])
def test_a_back_test_makes_the_same_orders_to_the_digit(store: str, speed: float | None) -> None:
    keeper, orders = asyncio.run(paper_trading.back_test(store, speed=speed))
    assert orders_of(orders) == recorded(store)
    bought = [fill.quantity if fill.side == "buy" else -fill.quantity for fill in orders if hasattr(fill, "fill_id")]
    assert keeper.position == sum(bought)


def test_two_processes_with_a_server_make_the_same_orders_to_the_digit(
    store: str, tmp_path: Path, own_server: Server
) -> None:
    kept = str(tmp_path / "kept")
    command = [sys.executable, str(EXAMPLE), "keep", kept, own_server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeping:
        assert keeping.stdout is not None
        assert keeping.stdout.readline() == "ready\n"
        asyncio.run(
            run_to_the_end(ManualClock(NOON), lambda clock: paper_trading.live_over_server(own_server.url, clock))
        )
        printed = keeping.stdout.read()
    assert keeping.returncode == 0
    assert recorded(kept) == recorded(store)
    keeper, _ = asyncio.run(paper_trading.back_test(kept))
    assert printed == f"position {keeper.position}, cash {keeper.cash}\n"


@pytest.mark.parametrize("checker", CHECKERS)
def test_it_is_typed_strictly(checker: str, tmp_path: Path) -> None:
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is in the extra dev, which `make test` installs")
    shutil.copy(EXAMPLE, tmp_path / "example.py")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    command = [sys.executable, "-m", checker, *CHECKERS[checker], "example.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_is_short() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 250
