"""The command line as the program that owns its process."""

from trading.events.cli import main
from trading.events.cli.signals import take_signals


def run_program() -> int:
    """Runs the command that the process was started with, ready for signals, and returns its exit code."""
    take_signals()
    return main()
