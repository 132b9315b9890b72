"""The table, row by row."""

from benchmarks.server import hybrid, latency, memory, rates
from benchmarks.server.case import Case

CASES = {
    "pubsub_batch": Case(
        title="pub/sub, `publish_batch`; against a pipelined PUBLISH and `listen()`",
        measure=rates.rates_of(rates.pubsub_batch, rates.raw_pubsub_pipelined),
        unit="/s",
        bound=2,
        aim=3,
    ),
    "pubsub_one_by_one": Case(
        title="pub/sub, `publish` one by one from 100 tasks; against PUBLISH from 100 tasks",
        measure=rates.rates_of(rates.pubsub_one_by_one, rates.raw_one_by_one),
        unit="/s",
        bound=3,
        aim=6,
    ),
    "streams_batch": Case(
        title="streams with a group, `publish_batch` to acknowledged; against pipelined XADD, XREADGROUP and XACK",
        measure=rates.rates_of(rates.streams_batch, rates.raw_streams),
        unit="/s",
        bound=1.5,
        aim=3,
    ),
    "latency": Case(
        title="latency, `publish` to handler at 1,000 events/s, p99; against redis-py's pub/sub",
        measure=latency.measure,
        unit=" µs",
        bound=1.5,
        aim=1.1,
        less_is_better=True,
        rounds=5,
    ),
    "hybrid_all": Case(
        title="`HybridEventBus`, local delivery of batches, everything forwarded; against `InMemoryEventBus`",
        measure=hybrid.everything_forwarded,
        unit="/s",
        bound=0.2,
        aim=0.35,
    ),
    "hybrid_nothing": Case(
        title="the same, nothing forwarded",
        measure=hybrid.nothing_forwarded,
        unit="/s",
        bound=0.85,
        aim=0.95,
    ),
    "hybrid_sent": Case(
        title="the same, everything forwarded, until the server has it all; against local delivery alone",
        measure=hybrid.until_sent,
        unit="/s",
    ),
    "cluster_pubsub": Case(
        title="a Cluster of three beside each other, pub/sub, `publish_batch`; against one server",
        measure=rates.rate_in_a_cluster(rates.pubsub_batch),
        unit="/s",
        rounds=3,
    ),
    "cluster_streams": Case(
        title="the same, streams with a group",
        measure=rates.rate_in_a_cluster(rates.streams_batch),
        unit="/s",
        rounds=3,
    ),
    "memory": Case(
        title="a consumer over streams whose handler has stopped, a million events coming: memory it has grown by",
        measure=memory.measure,
        unit=" MB",
        bound=100,
        aim=40,
        less_is_better=True,
        is_ratio=False,
        rounds=1,
    ),
}
