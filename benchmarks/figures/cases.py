"""The table of figures: what is measured, and between which bounds it should be."""

from benchmarks.figures.case import Case
from benchmarks.figures.counting import measure_on_and_off
from benchmarks.figures.encoding import ENCODING_CASES
from benchmarks.figures.fairness import stand_still, start_all_that_suspend
from benchmarks.figures.keeping import KEEPING_CASES
from benchmarks.figures.latency import compare_alone, time_paced
from benchmarks.figures.publishing import (
    publish_in_batches,
    publish_inline_to_a_function,
    publish_one_by_one,
    publish_queued_to_a_function,
    publish_to_many,
    publish_with_own_names,
    without_inline,
    without_nautilus,
)
from benchmarks.figures.reading import READ_CASES
from benchmarks.figures.replaying import REPLAY_CASES
from benchmarks.figures.routing import (
    keep_many_symbols,
    look_up_over_all_of_many,
    publish_over_all_of_many,
    publish_past_many_filters,
    publish_to_one_of_many,
)
from benchmarks.figures.storing import STORE_CASES
from benchmarks.figures.threads import publish_from_many

CASES = (
    Case(
        "one_by_one",
        "`await bus.publish(e)` one by one, all handled, against a bare `await pub(e)` that awaits `h(e)`",
        publish_one_by_one,
        bound=1.5,
        aim=1.2,
    ),
    Case(
        "own_names",
        "the same, where each event's exchange and symbol are texts of their own, as a parser makes them",
        publish_with_own_names,
    ),
    Case(
        "batches",
        "`publish_batch` of 1,000, against the same bare `await pub(e)`",
        publish_in_batches,
        bound=1.0,
        aim=0.8,
    ),
    Case(
        "hundred_subscriptions",
        "events to 100 subscriptions each, 100 in flight, per delivery, against a bare `await h(e)`",
        publish_to_many,
        bound=1.6,
        aim=1.2,
    ),
    Case(
        "one_of_100k",
        "100,000 subscriptions on different symbols, publish to one of them, against 1 subscription",
        publish_to_one_of_many,
        bound=1.2,
        aim=1.0,
    ),
    Case(
        "all_of_100k",
        "the same, publishing over all 100,000 at random, against 1 subscription and 1 symbol",
        publish_over_all_of_many,
        bound=3,
        aim=2,
    ),
    Case(
        "dictionary_of_100k",
        "the same without a bus: the handlers in a dictionary by exchange and symbol, 100,000 against 1",
        look_up_over_all_of_many,
    ),
    Case(
        "filters",
        '10,000 subscriptions to "tick" with `symbol_filter`, publish to one of them, against 1',
        publish_past_many_filters,
        bound=1.2,
        aim=1.0,
    ),
    Case(
        "symbols",
        "a million symbols seen once each: memory that the process has grown by",
        keep_many_symbols,
        bound_in_words="bounded",
        unit="MB",
        rounds=1,
    ),
    Case(
        "latency",
        "publish-to-handler latency, p50, against the same over `asyncio.Queue` and a worker",
        compare_alone,
        bound=1.0,
        aim=0.85,
    ),
    Case(
        "paced",
        "the same, p99 at 10,000 events/s, absolute",
        time_paced,
        bound=1.0,
        aim=0.1,
        unit="ms",
        rounds=3,
    ),
    Case(
        "queued_function",
        "a plain function, queued, against NautilusTrader's `MessageBus.publish` to one",
        publish_queued_to_a_function,
        bound=1 / 8,
        aim=1 / 15,
        what_is_missing=without_nautilus,
    ),
    Case(
        "inline_function",
        'a plain function, `delivery="inline"`, against the same',
        publish_inline_to_a_function,
        bound=1 / 8,
        aim=1 / 15,
        what_is_missing=without_inline,
    ),
    Case(
        "threads",
        "10 threads publishing at once: events/s against one thread, at least",
        publish_from_many,
        bound=0.9,
        aim=1.0,
        more_is_better=True,
        rounds=7,
    ),
    Case(
        "turns",
        "10,000 subscriptions whose handlers all suspend: loop turns until all have started",
        start_all_that_suspend,
        bound=30,
        aim=15,
        unit="turns",
        rounds=3,
    ),
    Case(
        "standing_still",
        "longest time the loop stands still while a million events are published in a tight loop and 100 subscriptions "
        "resume at once",
        stand_still,
        bound=10,
        aim=3,
        unit="ms",
        rounds=3,
    ),
    Case(
        "statistics",
        "statistics on, against off",
        measure_on_and_off,
        bound=1.1,
        aim=1.03,
    ),
    *KEEPING_CASES,
    *ENCODING_CASES,
    *STORE_CASES,
    *READ_CASES,
    *REPLAY_CASES,
)
