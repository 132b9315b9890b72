"""What tables in the documents say of the code is so."""

import ast
import importlib
import inspect
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from trading.events import EventBusSettings, InMemoryEventBus, Overflow, bus
from trading.events.cli import _COMMANDS, EXIT_BROKEN_PIPE, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE
from trading.events.cli.signals import exit_code
from trading.events.hybrid_bus import HybridEventBus
from trading.events.persistence import (
    ArcticEventWriter,
    Criteria,
    EventReader,
    InfluxBucket,
    InfluxDatabase,
    InfluxEventWriter,
    ParquetEventWriter,
    RotationPolicy,
    SendingPolicy,
)
from trading.events.redis_bus import RedisEventBus
from trading.events.settings import PREFIX
from trading.events.transport.options import TransportOptions

from .test_docs import ROOT

DOCS = ROOT / "docs"
TABLE = re.compile(r"^\|.+\|\n\|[-|]+\|\n(?P<rows>(?:\|.+\|\n)+)", re.MULTILINE)
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NEEDED = inspect.Parameter.empty
NONE_IS_ALL = {
    "event_type": None,
    "exchange": None,
    "symbol": None,
    "filter": None,
    "invalid": "raise",
    "unknown": "raise",
}

OPTIONS: dict[str, Callable[..., Any]] = {
    "subscribe": InMemoryEventBus.subscribe,
    "InMemoryEventBus": InMemoryEventBus,
    "RedisEventBus": RedisEventBus,
    "Transport": TransportOptions,
    "ParquetEventWriter": ParquetEventWriter,
    "RotationPolicy": RotationPolicy,
    "EventReader": EventReader,
    "InfluxEventWriter": InfluxEventWriter,
    "InfluxDatabase": InfluxDatabase,
    "InfluxBucket": InfluxBucket,
    "ArcticEventWriter": ArcticEventWriter,
    "SendingPolicy": SendingPolicy,
}


def rows(document: Path, heading: str | None = None) -> list[list[str]]:
    """The rows of the tables in a document, or under one heading, without their heads."""
    text = document.read_text(encoding="utf-8")
    if heading is not None:
        text = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for table in TABLE.finditer(text) for line in table["rows"].splitlines()]
    return [[cell.strip() for cell in line[1:-1].split(" | ")] for line in lines]


def options_said(heading: str) -> dict[str, object]:
    """The parameters and defaults in a table of options."""
    return {
        name.strip("`"): NEEDED if default == "needed" else ast.literal_eval(default.strip("`"))
        for name, default, _ in rows(DOCS / "reference/options.md", heading)
    }


def options_of(made: Callable[..., Any]) -> dict[str, object]:
    """The parameters and defaults that there are."""
    parameters = inspect.signature(made).parameters.values()
    named = [each for each in parameters if each.kind is not each.VAR_KEYWORD and each.name != "self"]
    return {each.name: each.default for each in named}


@pytest.mark.parametrize("heading", OPTIONS)
def test_the_options_are_those_of_the_code(heading: str) -> None:
    assert options_said(heading) == options_of(OPTIONS[heading])


def test_the_options_of_a_hybrid_are_those_that_differ() -> None:
    ours, others = options_of(HybridEventBus), options_of(RedisEventBus)
    assert options_said("HybridEventBus") == {
        name: default for name, default in ours.items() if name not in others or others[name] != default
    }


def test_the_criteria_are_those_of_the_code() -> None:
    assert options_said("Criteria") == NONE_IS_ALL
    assert list(NONE_IS_ALL) == list(Criteria.__annotations__)


def test_the_settings_are_those_of_the_code() -> None:
    said = [row[0].strip("`") for row in rows(DOCS / "reference/settings.md")]
    assert said == [PREFIX + name.upper() for name in EventBusSettings.model_fields]


def test_the_exit_codes_are_those_of_the_code() -> None:
    said = [int(row[0]) for row in rows(DOCS / "reference/exit-codes.md")]
    codes = {EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE, *map(exit_code, ENDING)}
    assert said == sorted(codes)


def test_the_commands_are_those_of_the_code() -> None:
    said = [row[0].strip("`").split()[1] for row in rows(DOCS / "guide/command-line.md")]
    modules = [importlib.import_module(f"trading.events.cli.{name}") for name in _COMMANDS]
    assert sorted(said) == sorted(module.NAME for module in modules)


def test_the_overflow_policies_are_those_of_the_code() -> None:
    said = [row[0].partition(",")[0].strip("`") for row in rows(DOCS / "guide/slow-subscribers.md")]
    assert said == list(get_args(Overflow))


def test_every_subject_of_the_contract_is_in_its_short_form() -> None:
    subjects = re.findall(r"\n\n([A-Z][\w'-]+(?: [\w'-]+){0,2})\. ", bus.__doc__ or "")
    assert len(subjects) > 10
    said = {row[0] for row in rows(DOCS / "concepts/contract.md")}
    assert set(subjects) <= said


def test_the_versions_of_formats_are_those_of_the_code() -> None:
    table = rows(DOCS / "concepts/compatibility.md", "Formats and their versions")
    assert len(table) > 5
    for what, version, _, place, _ in table:
        path, constant = re.findall(r"`([^`]+)`", place)
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"\b{constant}\b(?:: \w+)? = {version}\b", source), what


def test_the_golden_files_are_those_that_there_are() -> None:
    table = rows(DOCS / "concepts/compatibility.md", "What is read, and for how long")
    said = {Path(row[0].strip("`")).name for row in table}
    assert said == {path.name for path in (ROOT / "tests/data/golden").iterdir()}
