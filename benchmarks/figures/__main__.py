"""Measures the table of figures that this package is held to, and writes it into benchmarks/README.md.

Each case runs in fresh processes, in turn with the others, so that one's memory and garbage do not burden another.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.document import replace_between_markers
from benchmarks.figures.case import Case
from benchmarks.figures.cases import CASES
from benchmarks.figures.report import table
from benchmarks.machine import describe_machine
from benchmarks.release import refuse_debug_build

HOME = Path(__file__).parents[1]


def measure(case: Case, *, quick: bool) -> list[float]:
    """One fresh process's samples.

    Raises:
        SystemExit: The case failed, mostly its check.
    """
    command = [sys.executable, "-m", "benchmarks.figures.measure", case.name, *(["--quick"] if quick else [])]
    done = subprocess.run(command, cwd=HOME.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{case.name} failed:\n{done.stderr}")
    samples: list[float] = json.loads(done.stdout)
    return samples


def measure_all(cases: Sequence[Case], *, cycles: int, quick: bool) -> dict[str, list[float]]:
    """Every case's samples; says which cannot be measured here."""
    missing = {case.name: reason for case in cases if (reason := case.what_is_missing())}
    for name, reason in missing.items():
        print(f"left out: {name}, as {reason}", file=sys.stderr)
    samples: dict[str, list[float]] = {case.name: [] for case in cases if case.name not in missing}
    for cycle in range(cycles):
        for case in cases:
            if case.name in samples and (case.cycles is None or cycle < case.cycles):
                print(f"{cycle + 1}/{cycles} {case.name}", file=sys.stderr, flush=True)
                samples[case.name] += measure(case, quick=quick)
    return samples


def write(samples: dict[str, list[float]]) -> None:
    """Keeps the samples, and puts the table into benchmarks/README.md."""
    (HOME / "results").mkdir(exist_ok=True)
    raw = {"machine": describe_machine(), "samples": samples}
    (HOME / "results" / "figures.json").write_text(json.dumps(raw) + "\n", encoding="utf-8")
    readme = HOME / "README.md"
    text = f"{table(CASES, samples)}\n\n{describe_machine()}"
    readme.write_text(
        replace_between_markers(readme.read_text(encoding="utf-8"), text, name="figures"), encoding="utf-8"
    )


def main() -> None:
    """Measures what the command line asks for; only the whole table is written down."""
    parser = argparse.ArgumentParser(prog="benchmarks.figures", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", metavar="case", help=f"by default all of {', '.join(c.name for c in CASES)}"
    )
    parser.add_argument("--cycles", type=int, default=3, help="processes a case")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, nothing written: does it work?")
    arguments = parser.parse_args()
    refuse_debug_build()
    unknown = set(arguments.cases) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    chosen = [case for case in CASES if not arguments.cases or case.name in arguments.cases]
    samples = measure_all(chosen, cycles=1 if arguments.quick else arguments.cycles, quick=arguments.quick)
    if arguments.quick:
        print("every case that can be measured here works; such tiny sizes give no figures")
        return
    if len(chosen) == len(CASES):
        write(samples)
    print(table(chosen, samples))


if __name__ == "__main__":
    main()
