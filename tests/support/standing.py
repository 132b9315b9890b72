"""Where each task of a loop stands: what a hang is explained by."""

import asyncio
from typing import Any


def tasks_standing() -> str:
    """Each task of the running loop that has not ended, and the calls it is in, from its first to what it awaits.

    Tasks that stand at the same place are told of together.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return "no loop runs"
    by_calls: dict[str, list[str]] = {}
    for task in asyncio.all_tasks(loop):
        by_calls.setdefault(_calls_of(task.get_coro()), []).append(task.get_name())
    return "\n".join(sorted(f"{', '.join(sorted(names))}:{calls}" for calls, names in by_calls.items()))


def _calls_of(awaited: Any) -> str:
    calls = ""
    while awaited is not None:
        frame = next((found for kind in ("cr", "gi", "ag") if (found := getattr(awaited, f"{kind}_frame", None))), None)
        if frame is None:
            calls += f"\n    {type(awaited).__name__}"
        else:
            calls += f"\n    {frame.f_code.co_qualname} ({frame.f_code.co_filename}:{frame.f_lineno})"
        names = ("cr_await", "gi_yieldfrom", "ag_await")
        awaited = next((found for name in names if (found := getattr(awaited, name, None)) is not None), None)
    return calls
