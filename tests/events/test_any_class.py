"""Events of classes made at random: every form gives them back as they were, or refuses them, and harms no other.

Each batch runs in a process of its own, so that a crash of the interpreter is the failure of one test. The output says
what was being checked, and `python -m tests.events.any_class SEED COUNT` does it again.
"""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

BATCH = 40
BATCHES = max(6, settings().max_examples // BATCH)


@pytest.fixture
def hang_limit_s() -> float:
    return 600.0


@pytest.mark.parametrize("seed", range(BATCHES))
def test_events_of_any_class_are_kept_exactly_or_refused_by_name(seed: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.events.any_class", str(seed), str(BATCH), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    last = tmp_path / "last.txt"
    was_checked = last.read_text() if done.returncode < 0 and last.exists() else ""
    ended = f"ended by {signal.Signals(-done.returncode).name}\n" if done.returncode < 0 else ""
    assert done.returncode == 0, f"{ended}{was_checked}{done.stdout}{done.stderr[-2000:]}"
