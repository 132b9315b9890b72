"""Names of files such as `tick_binance_BTCUSDT.parquet`, and the spellings of topics in them.

A file is named by event type, exchange and symbol, joined by `_`. No two names share a spelling, not even where the
file system ignores case or normalizes Unicode, and nothing in a spelling can act as a path:

    as it is    `a-z0-9-` in an exchange (binance), `A-Z0-9-.` in a symbol (AAPL, BRK.B, BTC-PERP)
    `BTCUSDT`   BTC/USDT: a pair's slash is left out where the quote currency is one of `QUOTES`
    `BTCUSDT+`  BTCUSDT: a name that would otherwise be read as such a pair
    `BTC+3aX`   BTC:X: every other character, as `+` and two hex digits for each byte of its UTF-8
    `nyse@`     NYSE: a name whose letters all have the unusual case
    `ABC++...`  a name too long for that: its beginning, and 160 bits of its hash

An event without an exchange or symbol has nothing in that place. The true exchange and symbol are in the file itself,
so nothing ever needs to read them back from the name. A second part of the same day and topic is called
`tick_binance_BTCUSDT~2.parquet`, and so on.
"""

import re
import string
from hashlib import blake2b
from typing import NamedTuple

SUFFIX = ".parquet"

QUOTES = (
    "FDUSD", "BUSD", "TUSD", "USDC", "USDT", "AUD", "BNB", "BRL", "BTC", "CAD", "CHF", "DAI", "ETH", "EUR", "GBP",
    "HKD", "IDR", "INR", "JPY", "KRW", "MXN", "NZD", "PLN", "SGD", "TRY", "USD", "ZAR",
)  # fmt: skip
"""Quote currencies that need no slash, longest first. Part of the format: adding one would rename existing files."""

_EVENT_TYPE_MAX = 80
_EXCHANGE_MAX = 60
_SYMBOL_MAX = 80
_HASH_BYTES = 20

_LOWER = re.compile("[a-z]")
_UPPER = re.compile("[A-Z]")
_SWAP_CASE = str.maketrans(string.ascii_letters, string.ascii_letters.swapcase())
_EXCHANGE_UNPLAIN = re.compile(r"[^a-z0-9-]")
_SYMBOL_UNPLAIN = re.compile(r"[^A-Z0-9.-]")
_PART = re.compile(r"([a-z][a-z0-9_+]*)_([^_~]*)_([^_~]*)(?:~([1-9][0-9]{0,9}))?\.parquet")


class PartName(NamedTuple):
    """A file's name, parsed: the spellings of its topic's names, and the number of the part of that topic's day."""

    event_type: str
    exchange: str
    symbol: str
    number: int = 1

    def __str__(self) -> str:
        number = "" if self.number == 1 else f"~{self.number}"
        return f"{self.event_type}_{self.exchange}_{self.symbol}{number}{SUFFIX}"


def name_part(event_type: str, exchange: str | None, symbol: str | None, *, number: int = 1) -> PartName:
    """The name of the file that holds the events of a topic."""
    return PartName(spell_event_type(event_type), spell_exchange(exchange), spell_symbol(symbol), number)


def read_part_name(name: str) -> PartName | None:
    """Parses a file's name; None if no file of a store can have it."""
    found = _PART.fullmatch(name)
    if found is None:
        return None
    event_type, exchange, symbol, number = found.groups()
    return PartName(event_type, exchange, symbol, int(number or 1))


def spell_event_type(event_type: str) -> str:
    """An event type in a file's name."""
    return _shorten(event_type, event_type, limit=_EVENT_TYPE_MAX)


def spell_exchange(exchange: str | None) -> str:
    """An exchange in a file's name."""
    if exchange is None:
        return ""
    if _UPPER.search(exchange) and not _LOWER.search(exchange):
        spelling = _escape(exchange.translate(_SWAP_CASE), _EXCHANGE_UNPLAIN) + "@"
    else:
        spelling = _escape(exchange, _EXCHANGE_UNPLAIN)
    return _shorten(spelling, exchange, limit=_EXCHANGE_MAX)


def spell_symbol(symbol: str | None) -> str:
    """A symbol in a file's name."""
    if symbol is None:
        return ""
    if _LOWER.search(symbol) and not _UPPER.search(symbol):
        spelling = _spell_pair(symbol.translate(_SWAP_CASE)) + "@"
    else:
        spelling = _spell_pair(symbol)
    return _shorten(spelling, symbol, limit=_SYMBOL_MAX)


def _spell_pair(symbol: str) -> str:
    joined = symbol.replace("/", "", 1)
    if _SYMBOL_UNPLAIN.search(joined):
        return _escape(symbol, _SYMBOL_UNPLAIN)
    if symbol == _split_pair(joined):
        return joined or "+"
    return symbol + "+" if symbol == joined else _escape(symbol, _SYMBOL_UNPLAIN)


def _split_pair(joined: str) -> str:
    """The one symbol that `joined` stands for."""
    for quote in QUOTES:
        base = joined.removesuffix(quote)
        if base not in {"", joined}:
            return f"{base}/{quote}"
    return joined


def _escape(name: str, unplain: re.Pattern[str]) -> str:
    return unplain.sub(lambda found: "".join(f"+{byte:02x}" for byte in _utf8(found[0])), name) or "+"


def _shorten(spelling: str, name: str, *, limit: int) -> str:
    if len(spelling) <= limit:
        return spelling
    digest = "++" + blake2b(_utf8(name), digest_size=_HASH_BYTES).hexdigest()
    return spelling[: limit - len(digest)] + digest


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
