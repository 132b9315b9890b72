"""The table's first column as a picture that reads on light and dark pages alike."""

from html import escape
from math import log10

from benchmarks.peers.report import Result, duration, ratio

WIDTH = 860
LEFT = 270
RIGHT = 150
TOP = 56
ROW = 34
STYLE = """
text { font: 14px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600 }
.bar { fill: #8c959f }
.ours { fill: #1f7a5c }
.grid { stroke: #8c959f; stroke-opacity: 0.35 }
@media (prefers-color-scheme: dark) { text { fill: #adb5bd } .ours { fill: #3fb68b } }
"""


def draw(results: list[Result]) -> str:
    """An SVG: one bar an engine, its length the logarithm of the time an event takes."""
    decades = _decades(results)
    height = TOP + ROW * len(results) + 12
    title = "Time from publish to handled, per event, one handler (logarithmic; shorter is better)"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="22">{title}</text>',
        *(_grid_line(decade, decades, height) for decade in decades),
        *(_bar(result, decades, TOP + ROW * place) for place, result in enumerate(results)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _decades(results: list[Result]) -> range:
    logs = [log10(result.one_handler_ns) for result in results]
    return range(int(min(logs)) - 1, int(max(logs)) + 2)


def _place(nanoseconds: float, decades: range) -> float:
    share = (log10(nanoseconds) - decades[0]) / (decades[-1] - decades[0])
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _grid_line(decade: int, decades: range, height: int) -> str:
    x = _place(10**decade, decades)
    return (
        f'<line class="grid" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 8}"/>'
        f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{duration(10**decade)}</text>'
    )


def _bar(result: Result, decades: range, y: int) -> str:
    end = _place(result.one_handler_ns, decades)
    kind = "ours" if result.engine == "trading_events_bus" else "bar"
    value = f"{duration(result.one_handler_ns)} ({ratio(result.one_handler_ratio)} × floor)"
    return (
        f'<text x="{LEFT - 10}" y="{y + 20}" text-anchor="end">{escape(result.title.replace("`", ""))}</text>'
        f'<rect class="{kind}" x="{LEFT}" y="{y + 5}" width="{end - LEFT:.1f}" height="{ROW - 12}" rx="2"/>'
        f'<text x="{end + 6:.1f}" y="{y + 20}">{value}</text>'
    )
