"""Text that the demo prints."""

import shlex
import textwrap
import time
from pathlib import Path

from trading.events.base import BaseEvent
from trading.events.cli.demo.proof import Proof
from trading.events.cli.demo.recording import PACED_PER_S, Recording
from trading.events.cli.formats import as_bytes, as_time, counted
from trading.events.market_data import BarEvent
from trading.events.persistence import EventReader, StoredTopic

_WIDTH = 100
_INDENT = " " * 11
_ENOUGH_TO_MEASURE = 40


def _say(title: str, text: str) -> None:
    """Prints a paragraph beside its title."""
    lead = f"{title:<9}  "
    print(
        textwrap.fill(
            text, _WIDTH, initial_indent=lead, subsequent_indent=_INDENT, break_on_hyphens=False, break_long_words=False
        ),
        flush=True,
    )


def print_beginning(title: str) -> None:
    """Says what is about to happen, before it takes its time."""
    text = f"trading-events demo: {title} over the event bus, recorded, queried, and replayed by another process."
    print(textwrap.fill(text, _WIDTH), flush=True)
    print()


def print_session(description: str, recording: Recording) -> None:
    """Says what ran through the bus, and how fast."""
    _say("session", description)
    _say(
        "bus",
        f"{counted(recording.published, 'event')} published, to a bar builder, a position keeper and a recorder, who "
        f"published {counted(recording.bars, 'bar')} and {counted(recording.positions, 'position event')} back; "
        f"{recording.failures:,} failed or dropped",
    )
    _say("", ", ".join(f"{kind} {count:,}" for kind, count in recording.by_type.most_common()))
    if len(recording.latencies_ns) < _ENOUGH_TO_MEASURE:
        _say("speed", "not measured: the session is too short")
        return
    rate = recording.published_at_full_speed / recording.seconds
    _say("speed", f"{rate:,.0f} events a second at full speed, until every handler was done")
    p50_us, p99_us = recording.latency_us(0.5), recording.latency_us(0.99)
    _say(
        "latency",
        f"p50 {p50_us:,.0f} us, p99 {p99_us:,.0f} us from publish until the last of the handlers had the event, "
        f"at {PACED_PER_S:,} events a second",
    )


def print_nothing() -> None:
    """Says that there was no event at all."""
    _say("NOTHING", "There was no event, so nothing is proven.")


def print_store(store: Path, *, kept: bool) -> None:
    """Says what was recorded.

    Raises:
        StoreError: The store cannot be read.
    """
    topics = EventReader(store).topics()
    events, size_bytes = sum(topic.rows for topic in topics), sum(topic.size_bytes for topic in topics)
    files = counted(sum(topic.files for topic in topics), "Parquet file")
    where = str(store) if kept else "a temporary folder"
    _say(
        "recorded",
        f"{counted(events, 'event')} in {files} in {where}: {as_bytes(size_bytes)}, "
        f"{size_bytes / events:.1f} bytes an event",
    )


def print_queries(store: Path) -> None:
    """Asks the store for a tenth of the time of its largest topic, and for the latest bars.

    Raises:
        StoreError: The store cannot be read.
    """
    reader = EventReader(store)
    topics = reader.topics()
    largest = max(topics, key=lambda topic: topic.rows)
    tenth = (largest.last - largest.first) / 10
    start, end = largest.first + 4 * tenth, largest.first + 5 * tenth
    selection = reader.read_range(
        start, end, event_type=largest.event_type, exchange=largest.exchange, symbol=largest.symbol
    )
    began_s = time.perf_counter()
    found = sum(1 for _ in selection)
    _say("queried", f"{_name(largest)}, {as_time(start)} to {as_time(end)}: {_found(found, began_s)}")
    began_s = time.perf_counter()
    bars = list(reader.read_range(event_type="bar"))
    if bars:
        _say("", f"all bars: {_found(len(bars), began_s)}; the last is")
        print(f"{_INDENT}{_summary(bars[-1])}")


def _found(count: int, began_s: float) -> str:
    return f"{counted(count, 'event')} in {(time.perf_counter() - began_s) * 1_000:,.0f} ms"


def _name(topic: StoredTopic) -> str:
    where = f" on {topic.exchange}" if topic.exchange else ""
    return f"{topic.event_type} {topic.symbol or ''}".rstrip() + where


def _summary(event: BaseEvent) -> str:
    if not isinstance(event, BarEvent):
        return event.topic
    prices = f"open {event.open} high {event.high} low {event.low} close {event.close}"
    volume = "" if event.volume is None else f" volume {event.volume}"
    return f"{as_time(event.open_time)} {event.exchange} {event.symbol} {event.interval}: {prices}{volume}"


def print_proof(recording: Recording, proof: Proof) -> None:
    """Says what the fresh process has replayed, and whether it is what was recorded."""
    _say(
        "replayed",
        f"{counted(proof.replayed, 'event')} in {proof.seconds:.1f} s by a fresh process (pid {proof.process_id}), "
        f"which read the store and published them on a bus of its own",
    )
    if proof.difference is None:
        _say(
            "PROVEN",
            f"The replay equals the original: {proof.replayed:,} of {counted(recording.events, 'event')}, every field "
            f"of each, in the same order (of time; those of one time as they were published). None lost, none doubled.",
        )
    else:
        _say("NOT EQUAL", f"The replay differs: {proof.difference}.")


def print_next_steps(store: Path) -> None:
    """Says what to do with a recording that is kept, in lines to be copied: they are never wrapped."""
    path = shlex.quote(str(store))
    print(f"{'next':<9}  trading-events inspect {path}")
    print(f"{_INDENT}trading-events replay {path} --speed 60", flush=True)
