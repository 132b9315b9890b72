"""The long runs: `python -m tests.system.crash`. Exits with 1 if anything was lost, doubled or unreadable."""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.system.crash.faults import fail_each
from tests.system.crash.kills import kill_many
from tests.system.crash.power import lose_power
from tests.system.crash.shim import run_below_shim


def main() -> int:
    """Runs what is asked for and says what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=0, help="how many processes are killed")
    parser.add_argument("--power", type=int, default=0, help="how many recordings lose their power, at every moment")
    parser.add_argument("--states", type=int, default=0, help="at so many moments only")
    parser.add_argument("--faults", type=int, default=0, help="how many recordings have each of their calls fail")
    parser.add_argument("--every", type=int, default=1, help="only every so many of them")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32, help="by default another each time")
    parser.add_argument("--work", type=Path, help="a folder to work in; by default a new one in memory")
    options = parser.parse_args()
    logging.getLogger("trading.events").setLevel(logging.CRITICAL)
    memory = Path("/dev/shm")  # noqa: S108 - a process that dies leaves the same there, and syncing costs nothing
    with tempfile.TemporaryDirectory(
        prefix="trading-events-crash-", dir=memory if memory.is_dir() else None
    ) as temporary:
        folder = options.work or Path(temporary)
        ended = run_below_shim(folder) if options.power or options.faults else None
        return _run(folder, options) if ended is None else ended


def _run(folder: Path, options: argparse.Namespace) -> int:
    sys.stdout.write(f"seed {options.seed}\n")
    seeds = [options.seed + number for number in range(max(options.power, options.faults))]
    found = kill_many(folder / "kills", kills=options.kills, seed=options.seed)
    for seed in seeds[: options.power]:
        found += lose_power(folder / "power", steps=12, states=options.states, seed=seed)
    for seed in seeds[: options.faults]:
        found += fail_each(folder / "faults", steps=12, every=options.every, seed=seed)
    sys.stdout.write("\n".join([*found, f"{len(found)} faults\n"]))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
