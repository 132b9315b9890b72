"""The long run: `python -m tests.system.interrupts --each 200`. Exits with 1 if a command ended wrongly."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.support.server.process import Server
from tests.support.signals import default_signals
from tests.system.interrupts.commands import commands
from tests.system.interrupts.publisher import publishing
from tests.system.interrupts.runs import interrupt_often


def main() -> int:
    """Interrupts each command so often and says how it ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.interrupts", description=__doc__)
    parser.add_argument("--each", type=int, default=200, help="how often each command is interrupted")
    parser.add_argument("--command", action="append", help="only this one; may be given again")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32, help="by default another each time")
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    count = 0
    with default_signals(), tempfile.TemporaryDirectory(prefix="trading-events-interrupts-") as temporary:
        server = Server(Path(temporary) / "server").start()
        try:
            with publishing(server.url):
                for command in commands(server.url):
                    if options.command is None or command.name in options.command:
                        runs = interrupt_often(command, Path(temporary), times=options.each, seed=options.seed)
                        sys.stdout.write("\n".join([f"{command.name}: {runs}", *runs.faults, ""]))
                        sys.stdout.flush()
                        count += len(runs.faults)
        finally:
            server.kill()
    sys.stdout.write(f"{count} faults\n")
    return bool(count)


if __name__ == "__main__":
    sys.exit(main())
