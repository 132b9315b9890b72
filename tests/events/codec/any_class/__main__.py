"""Checks classes made at random: `python -m tests.events.codec.any_class SEED COUNT`. Exit code 1 names one that fails;
otherwise the output says, as JSON, how many were checked and how many events each form kept.

What is being checked is written to a file first, so that a crash of the interpreter can be told from what caused it.
"""

import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

from tests.events.codec.any_class.classes import Defined, defined
from tests.events.codec.any_class.exactness import tell
from tests.events.codec.any_class.rule import Tally, run


def check(first: int, count: int, folder: Path) -> Tally:
    """Checks so many classes."""
    tally = Tally()

    @seed(first)
    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(defined())
    def check_one(made: Defined) -> None:
        shown = "\n".join(tell(vars(event) | (event.__pydantic_extra__ or {})) for event in made.events)
        (folder / "last.txt").write_text(f"{made.description}\n{shown}\n", errors="backslashreplace")
        run(made, folder, tally)

    check_one()
    return tally


def main(argv: list[str]) -> int:
    """Runs a batch and tells what it found."""
    warnings.simplefilter("ignore")
    logging.disable()
    first, count = map(int, argv[:2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(argv[2]) if argv[2:] else Path(name)
        try:
            tally = check(first, count, folder)
        except BaseException as wrong:  # noqa: BLE001 - whatever it is, it is the finding
            last = (folder / "last.txt").read_text() if (folder / "last.txt").exists() else "no class was made\n"
            reasons = "\n".join(f"{type(each).__name__}: {each!s:.1500}" for each in _causes(wrong))
            sys.stdout.write(f"seed {first}:\n{last}{reasons}\n")
            return 1
    sys.stdout.write(json.dumps(vars(tally)) + "\n")
    return 0


def _causes(wrong: BaseException) -> list[BaseException]:
    found = [wrong]
    while (cause := found[-1].__cause__) is not None and len(found) < 3:
        found.append(cause)
    return [*found, *getattr(wrong, "exceptions", ())]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
