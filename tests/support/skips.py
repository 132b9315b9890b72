"""Tells at the end of a run which tests were skipped, why, and what would have them run.

A reason names what is missing and how to get it. Where $TRADING_EVENTS_TEST_REQUIRE_ALL is set, a skip for any reason
but those in `ALLOWED` fails the run.
"""

import os
import re
from collections import Counter
from typing import Any

import pytest

REQUIRE_ALL = "TRADING_EVENTS_TEST_REQUIRE_ALL"

ALLOWED = {
    r"came with Python 3\.\d+$": "another version of Python has it",
    r"^there is no market data in ": "the data are not part of the project",
    r"^nautilus_trader is not installed": "the extra bench is only for measuring",
    r"is in the extra dev, which `make test` installs$": "`make test-python` does without",
    r"a part of `make chaos`$": "it takes too long for every run",
    r"^this machine lets nobody ": "a container may lack the privilege",
}
"""The reasons for which a test may be left out even where everything is installed, and what excuses them."""


def skipped(reporter: Any) -> Counter[str]:
    """How many tests were skipped, by reason."""
    reports = reporter.stats.get("skipped", [])
    return Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)


def is_allowed(reason: str) -> bool:
    return any(re.search(pattern, reason) for pattern in ALLOWED)


def _missing(config: pytest.Config) -> list[str]:
    """The reasons for which this run fails."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get(REQUIRE_ALL) or reporter is None:
        return []
    return [reason for reason in skipped(reporter) if not is_allowed(reason)]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and _missing(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    counts = skipped(terminalreporter)
    if not counts:
        return
    missing = _missing(config)
    terminalreporter.section("tests that were not run")
    for reason, count in sorted(counts.items()):
        verdict = f"  (an error: ${REQUIRE_ALL} is set)" if reason in missing else ""
        terminalreporter.write_line(f"{count:5}  {reason}{verdict}", red=bool(verdict))
