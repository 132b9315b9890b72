"""Checks and measures one case, alone in this process; prints its samples as JSON."""

import argparse
import asyncio
import json

from benchmarks.figures.cases import CASES
from benchmarks.release import refuse_debug_build


def main() -> None:
    """Measures the case that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=[case.name for case in CASES])
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it work?")
    arguments = parser.parse_args()
    refuse_debug_build()
    case = next(case for case in CASES if case.name == arguments.case)
    print(json.dumps(asyncio.run(case.measure(case.plan(quick=arguments.quick)))))


if __name__ == "__main__":
    main()
