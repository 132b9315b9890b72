"""The command `trading-events`: events imported, recorded, queried, replayed and kept; a demo. One file a command."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from typing import Protocol, TextIO, cast

from pydantic import ValidationError

from trading.events.cli.arguments import UsageError
from trading.events.cli.formats import printable
from trading.events.cli.imports import import_modules
from trading.events.cli.screen import use_plain_text
from trading.events.cli.signals import Interrupted, exit_code, received_signal, say
from trading.events.errors import TradingEventsError

_COMMANDS = (
    "demo",
    "commands.import_file",
    "commands.inspect_store",
    "commands.query_store",
    "commands.replay_store",
    "commands.record_events",
    "commands.tail_events",
    "commands.verify_store",
    "commands.compact_store",
    "commands.prune_store",
)
"""The module of each command, in the order of the help. Each is a `Command`."""

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


class Command(Protocol):
    """A module that is a command."""

    NAME: str
    SUMMARY: str
    DESCRIPTION: str
    EXAMPLES: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Runs the command and returns its exit code."""
        raise NotImplementedError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: The arguments; by default those of the process.

    Returns:
        The exit code: 0 if all went well, 1 if not, 2 for wrong arguments, 130 after Ctrl-C, 143 after SIGTERM, 129
        after SIGHUP, 141 if nobody reads the output any more.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal's encoding cannot say is escaped, rather than the end of everything.
            stream.reconfigure(errors="backslashreplace")
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_PrintableFormatter())
    try:
        try:
            args = _parser().parse_args(argv)
        except BrokenPipeError:  # nobody reads the help
            return 0
        use_plain_text(args.plain)
        return _run(args)
    finally:
        _flush_or_drop(sys.stdout)
        _flush_or_drop(sys.stderr)


class _PrintableFormatter(logging.Formatter):
    """Makes text of a log record that acts on no terminal: what others have sent may stand in it."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _run(args: argparse.Namespace) -> int:
    try:
        import_modules(args.imports)
        code: int = args.run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (BrokenPipeError, Interrupted):
        # The signal that ends a command may end the reader of its output too.
        return EXIT_BROKEN_PIPE if (number := received_signal()) is None else _tell(number)
    except KeyboardInterrupt:
        return _complain("interrupted", EXIT_INTERRUPTED)
    except UsageError as wrong:
        if args.debug and wrong.__cause__ is not None:
            raise
        return _complain(f"error: {wrong}", EXIT_USAGE)
    except (TradingEventsError, ValidationError, OSError) as wrong:
        if args.debug:
            raise
        return _complain(f"error: {wrong}", EXIT_FAILED)
    return code


def _tell(number: int) -> int:
    say(number)
    return exit_code(number)


def _complain(text: str, code: int) -> int:
    with suppress(BrokenPipeError):
        print(f"trading-events: {printable(' '.join(text.split()))}", file=sys.stderr)
    return code


def _flush_or_drop(stream: TextIO | None) -> None:
    """Writes what stands in the buffer, which the interpreter would otherwise try, and complain of, at its exit."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trading-events",
        description="Import, inspect, query and replay recorded market events, and see what this package does.",
        epilog="`trading-events COMMAND --help` explains a command, with examples.",
    )
    parser.add_argument("--version", action="version", version=f"trading-events {version('trading-events')}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    common.add_argument(
        "--import", metavar="MODULE", dest="imports", action="append", default=[],
        help="import this module first, which defines event classes, such as my_strategy.events; may be given again, "
        "and TRADING_EVENTS_IMPORT names several with commas",
    )  # fmt: skip
    common.add_argument("--plain", action="store_true", help="no colours and no lines, as in a pipe")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in _COMMANDS:
        command = cast("Command", import_module(f"{__name__}.{module}"))
        subparser = commands.add_parser(
            command.NAME,
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            epilog=command.EXAMPLES,
            parents=[common],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser
