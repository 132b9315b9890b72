"""Options that say how a market data file is to be read."""

import argparse
from collections import Counter

from trading.events.cli.arguments import UsageError, field_and_column
from trading.events.importing import TIME_UNITS, MarketDataFile

_EVENT_TYPES = ("trade", "tick", "quote", "bar", "orderbook")


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Adds what says how a market data file is to be read."""
    group = parser.add_argument_group("how to read the file")
    group.add_argument("--event", choices=_EVENT_TYPES, help="what it holds (default: as its columns tell)")
    group.add_argument("--exchange", metavar="NAME", help="the exchange; needed unless a column gives it")
    group.add_argument("--symbol", metavar="NAME", help="the symbol, such as BTC/USDT; needed unless a column gives it")
    group.add_argument(
        "--map", metavar="FIELD=COLUMN", type=field_and_column, action="append", default=[],
        help="the column of a field of the event; may be given again",
    )  # fmt: skip
    group.add_argument(
        "--time-unit", choices=TIME_UNITS, default="auto",
        help="unit of times that are numbers since 1970 (default: told by their size)",
    )  # fmt: skip
    group.add_argument(
        "--interval", metavar="LENGTH", help="length of the bars: 1m, 4h (default: told by their distance)"
    )
    group.add_argument(
        "--text-holds-doubles", action="store_true", help="round the numbers of a text file to 15 digits too"
    )
    group.add_argument("--header", metavar="NAME,...", help="the columns of a CSV file that has no header line")
    group.add_argument("--delimiter", metavar="CHARACTER", help="between the cells of CSV (default: told by line 1)")


def open_file(
    args: argparse.Namespace, *, default_exchange: str | None = None, default_symbol: str | None = None
) -> MarketDataFile:
    """Opens the file that the options of `add_file_options` are about, `args.file`.

    Args:
        args: The options.
        default_exchange: The exchange where neither the options nor the file give one.
        default_symbol: The symbol where neither the options nor the file give one.

    Raises:
        ImportFileError: It cannot be taken.
        UsageError: A field is mapped twice.
    """
    twice = [name for name, times in Counter(name for name, _ in args.map).items() if times > 1]
    if twice:
        raise UsageError(f"--map gives {twice[0]} more than one column")
    return MarketDataFile(
        args.file,
        event_type=args.event,
        exchange=args.exchange,
        symbol=args.symbol,
        default_exchange=default_exchange,
        default_symbol=default_symbol,
        columns=dict(args.map),
        time_unit=args.time_unit,
        interval=args.interval,
        text_holds_doubles=args.text_holds_doubles,
        header=[name.strip() for name in args.header.split(",")] if args.header else None,
        delimiter="\t" if args.delimiter == "\\t" else args.delimiter,
    )
