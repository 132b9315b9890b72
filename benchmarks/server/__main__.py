"""Measures the buses over a server against redis-py alone: `python -m benchmarks.server [CASE ...]`.

The samples of each case are kept; once there are some of all, the table is written into benchmarks/README.md.
"""

import argparse
import json
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from redis import Redis
from tests.support.server.process import Server

from benchmarks.document import replace_between_markers
from benchmarks.machine import describe_machine
from benchmarks.release import refuse_debug_build
from benchmarks.server.case import Case, Pair, table
from benchmarks.server.cases import CASES

HOME = Path(__file__).parents[1]
RESULTS = HOME / "results" / "server.json"


def measure(case: Case, *, rounds: int) -> list[Pair]:
    """One pair of figures a round, on a server that is empty before each."""
    samples: list[Pair] = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder)).start()
        try:
            for _ in range(rounds):
                with closing(Redis(port=server.port)) as client:
                    client.flushall()
                samples.append(case.measure(server.url))
        finally:
            server.kill()
    return samples


def write(samples: dict[str, list[Pair]]) -> None:
    """Keeps the samples with those of other cases, and puts the table into benchmarks/README.md."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept |= samples
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    if kept.keys() >= CASES.keys():
        readme = HOME / "README.md"
        text = f"{table(CASES, kept)}\n\n{describe_machine()}"
        readme.write_text(
            replace_between_markers(readme.read_text(encoding="utf-8"), text, name="server"), encoding="utf-8"
        )


def main() -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(prog="benchmarks.server", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="case", help=f"by default all of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, help="of each case; by default what the case says")
    arguments = parser.parse_args()
    refuse_debug_build()
    unknown = set(arguments.cases) - CASES.keys()
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    samples: dict[str, list[Pair]] = {}
    for name in arguments.cases or CASES:
        print(name, file=sys.stderr, flush=True)
        samples[name] = measure(CASES[name], rounds=arguments.rounds or CASES[name].rounds)
        print(samples[name], file=sys.stderr, flush=True)
    write(samples)
    print(table(CASES, samples))


if __name__ == "__main__":
    main()
