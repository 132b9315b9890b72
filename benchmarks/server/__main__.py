"""Measures each case against redis-py in the same run: `python -m benchmarks.server [CASE ...]`."""

import statistics
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.server.process import Server

from benchmarks.server import cases, hybrid, latency, memory
from trading.events import _core

CASES = {
    "pubsub_batch": (cases.pubsub_batch, cases.raw_pubsub_pipelined),
    "pubsub_one_by_one": (cases.pubsub_one_by_one, cases.raw_one_by_one),
    "streams_batch": (cases.streams_batch, cases.raw_streams),
}
OTHERS = {"latency": latency.measure, "hybrid": hybrid.measure, "memory": memory.measure}
ROUNDS = 3


def rate_of(case: Any, url: str) -> float:
    """Events a second, from the first publish to the last handler, in two fresh processes."""
    context = get_context("spawn")
    ready, done = context.Event(), context.Queue()
    consumer = context.Process(target=cases.consume, args=(case.__name__, url, ready, done))
    consumer.start()
    if not ready.wait(30):
        raise RuntimeError("the consumer did not get ready")
    publisher = context.Process(target=cases.publish, args=(case.__name__, url, done))
    publisher.start()
    found = dict(done.get(timeout=60) for _ in range(2))
    publisher.join()
    consumer.join()
    return float(cases.EVENTS[case.__name__] / (found["end"] - found["begin"]))


def main() -> None:
    if _core.DEBUG_BUILD:
        raise SystemExit("this is a debug build, on which nothing may be measured")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder)).start()
        try:
            for name in sys.argv[1:] or [*CASES, *OTHERS]:
                if name in OTHERS:
                    print(OTHERS[name](server.url), flush=True)
                    continue
                ours, raw = CASES[name]
                samples = [(rate_of(ours, server.url), rate_of(raw, server.url)) for _ in range(ROUNDS)]
                mine, theirs = (statistics.median(column) for column in zip(*samples, strict=True))
                rounded = [(round(a), round(b)) for a, b in samples]
                print(
                    f"{name}: {mine:,.0f}/s, redis-py {theirs:,.0f}/s, {mine / theirs:.2f} times; {rounded}", flush=True
                )
        finally:
            server.kill()


if __name__ == "__main__":
    main()
