"""What an event costs before it is published."""

from datetime import UTC, datetime
from decimal import Decimal

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.ticks import make_tick
from trading.events import TickEvent

TIME = datetime(2024, 1, 1, tzinfo=UTC)
PRICE = Decimal("50000.5")


def test_construct_a_tick(benchmark: BenchmarkFixture) -> None:
    def construct() -> TickEvent:
        return TickEvent(
            exchange="binance",
            symbol="BTC/USDT",
            raw_symbol="BTCUSDT",
            bid=PRICE,
            ask=PRICE,
            last=PRICE,
            volume=PRICE,
            exchange_timestamp=TIME,
        )

    assert benchmark(construct).last == PRICE


def test_construct_a_tick_from_floats_and_text(benchmark: BenchmarkFixture) -> None:
    def construct() -> TickEvent:
        return TickEvent(
            exchange="binance",
            symbol="BTC/USDT",
            raw_symbol="BTCUSDT",
            bid=50000.5,
            ask=50000.5,
            last=50000.5,
            volume=50000.5,
            exchange_timestamp="2024-01-01T00:00:00Z",
        )

    assert benchmark(construct).last == PRICE


def test_the_topic_of_a_tick(benchmark: BenchmarkFixture) -> None:
    tick = make_tick(0)
    assert benchmark(lambda: tick.topic) == "events.tick.binance.BTC/USDT"


def test_a_tick_to_json_and_back(benchmark: BenchmarkFixture) -> None:
    tick = make_tick(0)
    assert benchmark(lambda: TickEvent.model_validate_json(tick.model_dump_json())) == tick
