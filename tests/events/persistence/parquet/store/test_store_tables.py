"""A store as a table, and what it holds, counted and added up."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pytest

from tests.support.classes.samples import sample
from tests.support.recording import START, record, tick, ticks
from trading.events.base import BaseEvent
from trading.events.market_data import TickEvent
from trading.events.persistence import EventReader, StoredTopic
from trading.events.system import HeartbeatEvent


class TestTables:
    def test_one_event_type_has_its_own_columns_sorted_by_time(self, tmp_path: Path) -> None:
        record(tmp_path, [tick(1, symbol="B"), tick(0, symbol="A"), sample(HeartbeatEvent, timestamp=START)])
        table = EventReader(tmp_path).read_table(event_type=TickEvent)
        assert table.column_names[: len(BaseEvent.model_fields)] == list(BaseEvent.model_fields)
        assert EventReader(tmp_path).read_table(event_type=TickEvent, exact=True).column_names[-1] == "_seq"
        assert "component" not in table.column_names
        assert table["bid"].type == pa.decimal128(38, 18)
        assert table["symbol"].to_pylist() == ["A", "B"]

    def test_several_have_the_columns_of_all(self, tmp_path: Path) -> None:
        record(tmp_path, [tick(1), sample(HeartbeatEvent, timestamp=START)])
        rows = EventReader(tmp_path).read_table().to_pylist()
        assert [row["event_type"] for row in rows] == ["heartbeat", "tick"]
        assert (rows[0]["bid"], rows[1]["bid"]) == (None, Decimal(1))
        assert (rows[0]["component"], rows[1]["component"]) == ("feed", None)

    @pytest.mark.usefixtures("classes_are_forgotten")
    def test_a_column_that_two_types_disagree_about_is_text(self, tmp_path: Path) -> None:
        class WholeBidEvent(BaseEvent):
            event_type: Literal["whole_bid"] = "whole_bid"
            bid: int

        record(tmp_path, [tick(1), WholeBidEvent(bid=7, timestamp=START)])
        table = EventReader(tmp_path).read_table()
        assert table["bid"].to_pylist() == ["7", "1.000000000000000000"]
        assert table["timestamp"].type == pa.timestamp("us", tz="UTC")


class TestInspection:
    def test_files_and_topics_are_known_by_their_footers(self, tmp_path: Path) -> None:
        record(tmp_path, ticks(3))
        record(tmp_path, [tick(5), tick(4), sample(HeartbeatEvent, timestamp=START)])
        files = list(EventReader(tmp_path).files())
        assert [(file.path.name, file.rows) for file in files] == [
            ("heartbeat__.parquet", 1),
            ("tick_binance_BTCUSDT.parquet", 3),
            ("tick_binance_BTCUSDT~2.parquet", 2),
        ]
        assert [file.size_bytes for file in files] == [file.path.stat().st_size for file in files]
        size_bytes = files[1].size_bytes + files[2].size_bytes
        assert EventReader(tmp_path).topics() == [
            StoredTopic("heartbeat", None, None, 1, 1, START, START, files[0].size_bytes),
            StoredTopic("tick", "binance", "BTC/USDT", 2, 5, START, START + timedelta(seconds=5), size_bytes),
        ]

    def test_they_can_be_chosen_like_events(self, tmp_path: Path) -> None:
        record(tmp_path, [tick(0, symbol=symbol) for symbol in ["BTC/USDT", "BTCUSDT", "btc/usdt"]])
        [topic] = EventReader(tmp_path).topics(symbol="btc/usdt", end=START + timedelta(seconds=1))
        assert topic.symbol == "btc/usdt"
        assert EventReader(tmp_path).topics(start=START + timedelta(seconds=1)) == []
