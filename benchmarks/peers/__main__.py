"""Measures every engine beside the others and writes what came out.

Each engine runs in fresh processes, in turn with the others, so that a machine that slows down slows all of them.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.document import replace_between_markers
from benchmarks.machine import describe_machine
from benchmarks.peers.picture import draw
from benchmarks.peers.report import Result, limits, summarize, table
from benchmarks.release import refuse_debug_build

HERE = Path(__file__).parent
ENGINES = {
    "floor": "asyncio",
    "trading_events_bus": "trading.events",
    "asyncio_queue": "asyncio",
    "nautilus_bus": "nautilus_trader",
    "pyee_emitter": "pyee",
    "bubus_bus": "bubus",
    "abxbus_bus": "abxbus",
    "aiopubsub_hub": "aiopubsub",
    "blinker_signal": "blinker",
    "psygnal_signal": "psygnal",
    "vnpy_engine": "vnpy",
}
"""The engine files, and the package that each needs."""


def installed_engines() -> list[str]:
    """The engines that can run here; says which cannot."""
    missing = [engine for engine, package in ENGINES.items() if find_spec(package) is None]
    if missing:
        print(f"left out, as not installed: {', '.join(missing)} (the peers need Python 3.12)", file=sys.stderr)
    return [engine for engine in ENGINES if engine not in missing]


def run_engine(engine: str, *options: str) -> dict[str, Any]:
    """One fresh process's samples.

    Raises:
        SystemExit: The engine failed, mostly its check.
    """
    command = [sys.executable, "-m", "benchmarks.peers.measure", engine, *options]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine} failed:\n{done.stderr}")
    samples: dict[str, Any] = json.loads(done.stdout)
    return samples


def run_all(engines: Iterable[str], *, cycles: int, rounds: int, scale: float) -> dict[str, list[dict[str, Any]]]:
    """Every engine's processes, by engine."""
    samples: dict[str, list[dict[str, Any]]] = {engine: [] for engine in engines}
    for cycle in range(cycles):
        for engine, processes in samples.items():
            print(f"{cycle + 1}/{cycles} {engine}", file=sys.stderr, flush=True)
            times = run_engine(engine, f"--rounds={rounds}", f"--scale={scale}")
            processes.append(times | run_engine(engine, "--memory", f"--scale={scale}"))
    return samples


def write(results: list[Result], samples: dict[str, list[dict[str, Any]]]) -> None:
    """Keeps the samples, and puts the table and the picture into benchmarks/."""
    home = HERE.parent
    (home / "results").mkdir(exist_ok=True)
    raw = {"machine": describe_machine(), "samples": samples}
    (home / "results" / "peers.json").write_text(json.dumps(raw) + "\n", encoding="utf-8")
    (home / "peers.svg").write_text(draw(results), encoding="utf-8")
    readme = home / "README.md"
    text = f"{table(results)}\n\n{describe_machine()}\n\nWhat each of them does not do:\n\n{limits(results)}"
    readme.write_text(replace_between_markers(readme.read_text(encoding="utf-8"), text, name="peers"), encoding="utf-8")


def main() -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    parser.add_argument("engines", nargs="*", help="by default all; the floor must be among them")
    parser.add_argument("--cycles", type=int, default=3, help="processes an engine")
    parser.add_argument("--rounds", type=int, default=3, help="bursts a process")
    parser.add_argument("--quick", action="store_true", help="few events, nothing written: does it work?")
    arguments = parser.parse_args()
    refuse_debug_build()
    engines = arguments.engines or installed_engines()
    if arguments.quick:
        run_all(engines, cycles=1, rounds=1, scale=0.02)
        print("every engine works; so few events give no figures")
        return
    samples = run_all(engines, cycles=arguments.cycles, rounds=arguments.rounds, scale=1.0)
    results = summarize(samples)
    write(results, samples)
    print(table(results))


if __name__ == "__main__":
    main()
