"""Modules of the user's own that define event classes, imported before a command runs."""

import os
import sys
from collections.abc import Iterable
from importlib import import_module

from trading.events.cli.arguments import UsageError
from trading.events.settings import IMPORT_VARIABLE


def import_modules(named: Iterable[str]) -> None:
    """Imports the modules that the environment and the arguments name, from the current folder too.

    Raises:
        UsageError: One of them cannot be imported.
    """
    said = [(IMPORT_VARIABLE, each.strip()) for each in os.environ.get(IMPORT_VARIABLE, "").split(",")]
    modules = [(where, name) for where, name in [*said, *(("--import", each) for each in named)] if name]
    here = os.getcwd()  # noqa: PTH109 - as a text, as `sys.path` holds it
    if modules and not {here, ""} & set(sys.path):
        sys.path.append(here)
    for where, name in modules:
        try:
            import_module(name)
        except Exception as wrong:
            raise UsageError(f"{where} {name}: {type(wrong).__name__}: {wrong}") from wrong
