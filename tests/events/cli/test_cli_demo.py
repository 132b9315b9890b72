"""`trading-events demo`: the session, the handlers, the proof, and what is left behind."""

import signal
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from tests.events.cli.program import start_program, stored
from tests.support.classes.samples import MOMENT, sample
from tests.support.recording import rewrite_manifest
from trading.events.base import BaseEvent, event_classes
from trading.events.cli import demo, main
from trading.events.cli.demo import replica
from trading.events.cli.demo.bar_builder import BarBuilder
from trading.events.cli.demo.fingerprint import fingerprint
from trading.events.cli.demo.position_keeper import PositionKeeper
from trading.events.cli.demo.proof import Proof, compare, prove
from trading.events.cli.demo.recording import Recording, record
from trading.events.cli.demo.session import Session
from trading.events.cli.progress import ProgressLine
from trading.events.market_data import BarEvent, QuoteEvent, TickEvent, TradeEvent
from trading.events.memory_bus import InMemoryEventBus
from trading.events.order import OrderFilledEvent
from trading.events.position import PositionClosedEvent, PositionModifiedEvent, PositionOpenedEvent

SILENT = ProgressLine("demo", "events", shown=False)


def short_demo(*arguments: object) -> int:
    return main(["demo", "--events", "3000", *map(str, arguments)])


def test_the_demo_proves_that_a_fresh_process_replays_what_was_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / ("a-long-name-" * 10 + "with a space")
    assert short_demo("--store", store) == 0
    lines = capsys.readouterr().out.splitlines()
    out = " ".join(" ".join(lines).split())
    events = stored(store)
    assert "3,000 events published" in out
    assert "0 failed or dropped" in out
    assert "events a second at full speed" in out
    assert "latency p50 " in out
    assert f"recorded {len(events):,} events in " in out
    assert " bytes an event queried " in out
    assert f"PROVEN The replay equals the original: {len(events):,} of {len(events):,} events" in out
    assert lines[-1].strip() == f"trading-events replay '{store}' --speed 60", "a line to be copied is never wrapped"


def test_every_event_type_but_user_defined_ones_is_in_the_session(tmp_path: Path) -> None:
    assert main(["demo", "--events", "30000", "--store", str(tmp_path / "store")]) == 0
    ours = {cls for cls in event_classes() if cls.__module__.startswith("trading.events.")}
    assert {type(event) for event in stored(tmp_path / "store")} == ours


def test_a_recording_that_is_not_kept_goes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert short_demo() == 0
    assert "in a temporary folder" in " ".join(capsys.readouterr().out.split())
    assert list(tmp_path.iterdir()) == []


def test_the_demo_runs_on_a_market_data_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "abcdef-trades.csv"
    times = [(MOMENT + timedelta(seconds=second)).isoformat() for second in range(300)]
    path.write_text("\n".join(["timestamp,price,quantity", *(f"{time},1.5,2" for time in times), "x,y,z"]))
    assert main(["demo", "--input", str(path), "--store", str(tmp_path / "store"), "--exchange", "x"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "300 trade events from abcdef-trades.csv; 1 row refused, the first in line 302: timestamp: 'x' is no" in out
    assert "speed not measured: the session is too short" in out
    assert "PROVEN The replay equals the original: 305 of 305 events" in out
    assert Counter(event.topic for event in stored(tmp_path / "store")) == {
        "events.trade.x.ABCDEF": 300,
        "events.bar.x.ABCDEF": 5,
    }


def test_a_file_that_holds_nothing_proves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("timestamp,price,quantity\n")
    assert main(["demo", "--input", str(path)]) == 1
    out = capsys.readouterr().out
    assert "NOTHING    There was no event, so nothing is proven." in out
    assert "PROVEN" not in out


def test_a_difference_is_said_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tampered(recorded: list[object], store: Path, *, progress: ProgressLine) -> Proof:
        [file] = store.rglob("quote_kraken_BTCUSD.parquet")
        file.unlink()
        rewrite_manifest(file.parent)
        return prove(recorded, store, progress=progress)

    monkeypatch.setattr(demo, "prove", tampered)
    assert short_demo() == 1
    out = capsys.readouterr().out
    assert "NOT EQUAL  The replay differs: event " in out
    assert "PROVEN" not in out


def test_a_handler_that_failed_ends_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def fail(_: BarBuilder, __: BaseEvent) -> None:
        raise LookupError

    monkeypatch.setattr(BarBuilder, "handle", fail)
    assert short_demo() == 1
    assert "0 failed or dropped" not in " ".join(capsys.readouterr().out.split())


def test_a_process_that_fails_is_a_difference(tmp_path: Path) -> None:
    proof = prove([], tmp_path / "none", progress=SILENT)
    assert (proof.replayed, proof.difference) == (0, "the process ended with code 1")


@pytest.mark.parametrize(
    ("replayed", "count", "difference"),
    [
        (["a", "b", "c"], 3, None),
        (["a", "c", "b"], 3, "event 2 was b and is replayed as c"),
        (["a", "b"], 2, "event 3 was c and is replayed as nothing"),
        (["a", "b", "c", "c"], 4, "event 4 was not there and is replayed as c"),
        ([], 0, "event 1 was a and is replayed as nothing"),
    ],
)
def test_lost_doubled_changed_and_reordered_events_are_all_differences(
    replayed: list[str], count: int, difference: str | None
) -> None:
    assert compare(["a", "b", "c"], replayed) == (count, difference)


@pytest.mark.parametrize("change", [{"price": "50000.50"}, {"metadata": {"a": 1}}, {"event_id": "other"}])
def test_events_that_differ_in_anything_have_different_fingerprints(change: dict[str, object]) -> None:
    trade = sample(TradeEvent, event_id="one", timestamp=MOMENT)
    assert fingerprint(trade) == fingerprint(trade.model_copy())
    assert fingerprint(trade) != fingerprint(trade.model_copy(update=change))


def test_the_store_must_be_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "something").touch()
    assert short_demo("--store", tmp_path) == 2
    assert "is not empty; the demo records into a new folder" in capsys.readouterr().err


@pytest.mark.parametrize("sign_of_life", ["demo  ", "replay in a fresh process  "])
def test_ctrl_c_ends_the_demo_with_130_and_leaves_nothing(tmp_path: Path, sign_of_life: str) -> None:
    environment = {"TMPDIR": str(tmp_path), "PATH": ""}
    with start_program("demo", "--progress", "--events", "20000", env=environment) as process:
        assert process.stderr is not None
        seen = ""
        while not seen.endswith(sign_of_life):
            character = process.stderr.read(1)
            assert character, seen
            seen += character
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err.endswith("trading-events: interrupted\n")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_the_session_is_the_same_for_the_same_seed_and_in_the_order_of_time() -> None:
    first, again, other = (list(Session(seed, 2_000).events()) for seed in (1, 1, 2))

    def content(events: list[BaseEvent]) -> list[dict[str, object]]:
        return [event.model_dump(exclude={"event_id"}) for event in events]

    assert content(first) == content(again) != content(other)
    assert all(earlier.timestamp <= later.timestamp for earlier, later in pairwise(first))
    assert any(earlier.timestamp == later.timestamp for earlier, later in pairwise(first))


async def test_a_recording_knows_every_event_and_how_long_each_took(tmp_path: Path) -> None:
    recording = await record(Session(1, 2_000).events(), tmp_path, prices="trade", progress=SILENT)
    assert recording.published == 2_000
    assert recording.events == 2_000 + recording.bars + recording.positions == len(stored(tmp_path))
    assert len(recording.latencies_ns) == 200
    assert recording.latency_us(0) <= recording.latency_us(0.5) <= recording.latency_us(1)
    assert recording.failures == 0
    assert Recording().failures == 0


async def test_the_replica_prints_the_fingerprint_of_each_event_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await record(Session(1, 100).events(), tmp_path, prices="trade", progress=SILENT)
    await replica.replay(str(tmp_path))
    assert capsys.readouterr().out.splitlines() == [fingerprint(event) for event in stored(tmp_path)]


async def bars_of(*events: BaseEvent) -> list[BarEvent]:
    bars: list[BarEvent] = []
    async with InMemoryEventBus() as bus:
        builder = BarBuilder(bus)
        await bus.subscribe(BarEvent, bars.append)
        for event in events:
            await builder.handle(event)
        await builder.finish()
    assert builder.count == len(bars)
    return bars


def trade(second: int, price: str, quantity: str = "1", **names: str) -> TradeEvent:
    return sample(TradeEvent, timestamp=MOMENT + timedelta(seconds=second), price=price, quantity=quantity, **names)


async def test_bars_are_built_from_the_trades_of_each_minute() -> None:
    first, last = await bars_of(trade(1, "5"), trade(2, "9"), trade(3, "4"), trade(59, "6", "2.5"), trade(60, "7"))
    assert (first.open, first.high, first.low, first.close) == (5, 9, 4, 6)
    assert (first.volume, first.trade_count, first.complete) == (Decimal("5.5"), 4, True)
    assert (first.open_time, first.close_time, first.timestamp) == (MOMENT, *[MOMENT + timedelta(minutes=1)] * 2)
    assert (last.open, last.close, last.complete) == (7, 7, False)


async def test_each_instrument_has_bars_of_its_own() -> None:
    bars = await bars_of(trade(1, "5"), trade(2, "6", symbol="ETH/USDT"), trade(3, "7", exchange="kraken"))
    assert [(bar.exchange, bar.symbol) for bar in bars] == [
        ("binance", "BTC/USDT"),
        ("binance", "ETH/USDT"),
        ("kraken", "BTC/USDT"),
    ]


@pytest.mark.parametrize(
    ("event", "price"),
    [
        (sample(TickEvent, last="7", bid="1", ask="2"), "7"),
        (sample(TickEvent, last=None, bid="1", ask="2"), "1.5"),
        (sample(TickEvent, last=None, bid="1", ask=None), "1"),
        (sample(QuoteEvent, bid=None, bid_quantity=None, ask="2"), "2"),
    ],
)
async def test_the_price_of_a_tick_or_quote_is_the_last_or_the_middle(event: BaseEvent, price: str) -> None:
    [bar] = await bars_of(event)
    assert (bar.open, bar.volume, bar.trade_count) == (Decimal(price), None, None)


async def test_what_has_no_price_makes_no_bar() -> None:
    assert await bars_of(sample(TickEvent, last=None, bid=None, ask=None), sample(BarEvent)) == []


def fill(side: str, quantity: str, price: str) -> OrderFilledEvent:
    return sample(
        OrderFilledEvent,
        side=side,
        price=price,
        quantity=quantity,
        order_quantity=quantity,
        cumulative_quantity=quantity,
        remaining_quantity="0",
        timestamp=MOMENT,
    )


async def positions_of(*fills: OrderFilledEvent) -> list[BaseEvent]:
    events: list[BaseEvent] = []
    async with InMemoryEventBus() as bus:
        keeper = PositionKeeper(bus)
        await bus.subscribe("position_*", events.append)
        for each in fills:
            await keeper.handle(each)
    assert keeper.count == len(events)
    return events


async def test_a_position_is_opened_grows_shrinks_and_is_closed() -> None:
    fills = [fill("buy", "2", "10"), fill("buy", "2", "20"), fill("sell", "1", "25"), fill("sell", "3", "5")]
    opened, grown, shrunk, closed = await positions_of(*fills)
    assert isinstance(opened, PositionOpenedEvent)
    assert (opened.side, opened.quantity, opened.entry_price) == ("long", 2, 10)
    assert isinstance(grown, PositionModifiedEvent)
    assert (grown.quantity, grown.entry_price, grown.unrealized_pnl, grown.realized_pnl) == (4, 15, 20, 0)
    assert isinstance(shrunk, PositionModifiedEvent)
    assert (shrunk.quantity, shrunk.entry_price, shrunk.unrealized_pnl, shrunk.realized_pnl) == (3, 15, 30, 10)
    assert isinstance(closed, PositionClosedEvent)
    assert (closed.quantity, closed.entry_price, closed.exit_price, closed.realized_pnl) == (4, 15, 10, -20)


async def test_a_fill_above_the_position_turns_it_round() -> None:
    opened, closed, turned = await positions_of(fill("sell", "1", "10"), fill("buy", "3", "8"))
    assert isinstance(opened, PositionOpenedEvent)
    assert isinstance(closed, PositionClosedEvent)
    assert isinstance(turned, PositionOpenedEvent)
    assert (opened.side, closed.realized_pnl, turned.side, turned.quantity) == ("short", 2, "long", 2)
    assert turned.position_id != opened.position_id
