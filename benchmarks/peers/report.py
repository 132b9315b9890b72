"""From samples to a table of medians and ratios."""

from dataclasses import dataclass
from statistics import median
from typing import Any

FLOOR = "floor"
WAITING = 100_000


@dataclass(frozen=True)
class Result:
    """One engine's medians, and its footnote."""

    engine: str
    title: str
    version: str | None
    lacks: str
    one_handler_ns: float
    ten_handlers_ns: float
    spaced_p50_ns: float
    spaced_p99_ns: float
    one_handler_ratio: float
    """How many times the floor's."""

    ten_handlers_ratio: float
    waiting_bytes: float | None
    """What an event takes that waits; None where none can."""


def summarize(samples: dict[str, list[dict[str, Any]]]) -> list[Result]:
    """Medians over all bursts of all processes, and ratios to the floor's; the fastest first."""
    floor_ns = {handlers: _burst_ns(samples[FLOOR], handlers) for handlers in ("1", "10")}
    results = []
    for engine, processes in samples.items():
        ones_ns, tens_ns = _burst_ns(processes, "1"), _burst_ns(processes, "10")
        results.append(
            Result(
                engine=engine,
                title=processes[0]["title"],
                version=processes[0]["version"],
                lacks=processes[0]["lacks"],
                one_handler_ns=ones_ns,
                ten_handlers_ns=tens_ns,
                spaced_p50_ns=_spaced_ns(processes, 50),
                spaced_p99_ns=_spaced_ns(processes, 99),
                one_handler_ratio=ones_ns / floor_ns["1"],
                ten_handlers_ratio=tens_ns / floor_ns["10"],
                waiting_bytes=_waiting_bytes(processes),
            )
        )
    return sorted(results, key=lambda result: result.one_handler_ns)


def table(results: list[Result]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| engine | version | 1 handler | × floor | 10 handlers | × floor | alone p50 | p99 | 100,000 waiting |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {result.title} | {result.version or ''} "
        f"| {duration(result.one_handler_ns)} | {ratio(result.one_handler_ratio)} "
        f"| {duration(result.ten_handlers_ns)} | {ratio(result.ten_handlers_ratio)} "
        f"| {duration(result.spaced_p50_ns)} | {duration(result.spaced_p99_ns)} "
        f"| {megabytes(result.waiting_bytes and result.waiting_bytes * WAITING)} |"
        for result in results
    ]
    return "\n".join(lines)


def limits(results: list[Result]) -> str:
    """A line for each engine that says what it does not do."""
    lines = ["| engine | does not have |", "|---|---|"]
    lines += [f"| {result.title} | {result.lacks} |" for result in results]
    return "\n".join(lines)


def duration(nanoseconds: float) -> str:
    """A duration with three digits or so, in the unit that suits it."""
    if nanoseconds < 1_000:
        return f"{nanoseconds:.0f} ns"
    if nanoseconds < 1_000_000:
        return f"{nanoseconds / 1_000:.3g} µs"
    return f"{nanoseconds / 1_000_000:.3g} ms"


def ratio(value: float) -> str:
    """A ratio with a digit after the point where that says anything."""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def megabytes(count: float | None) -> str:
    """A size in megabytes, or that there is none."""
    return "n/a" if count is None else f"{count / 1e6:,.0f} MB"


def _burst_ns(processes: list[dict[str, Any]], handlers: str) -> float:
    return float(median(sample for process in processes for sample in process["burst_ns"][handlers]))


def _spaced_ns(processes: list[dict[str, Any]], percent: int) -> float:
    return float(median(process["spaced_percentiles_ns"][percent - 1] for process in processes))


def _waiting_bytes(processes: list[dict[str, Any]]) -> float | None:
    samples = [process["waiting_bytes"] for process in processes if process["waiting_bytes"] is not None]
    return float(median(samples)) if samples else None
