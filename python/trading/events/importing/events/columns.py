"""Columns of a file, matched to the fields of events."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trading.events.errors import ImportFileError
from trading.events.importing.cells import shown

KNOWN_NAMES: dict[str, tuple[str, ...]] = {
    "timestamp": ("timestamp", "time", "ts", "datetime", "date", "exchangetimestamp", "tradetime", "transacttime"),
    "exchange_timestamp": ("exchangetimestamp", "exchangetime", "eventtime"),
    "local_timestamp": ("localtimestamp", "localtime", "receivedat"),
    "exchange": ("exchange", "venue"),
    "symbol": ("symbol", "instrument", "ticker", "pair", "market"),
    "raw_symbol": ("rawsymbol", "exchangesymbol"),
    "trade_id": ("tradeid", "id", "aggtradeid", "aggregatetradeid", "tid"),
    "price": ("price", "p", "px", "rate"),
    "quantity": ("quantity", "qty", "q", "size", "amount", "baseqty", "volume", "vol"),
    "side": ("side", "takerside", "aggressorside", "buyermaker", "isbuyermaker"),
    "bid": ("bid", "bidprice", "bestbid", "bestbidprice", "bidpx"),
    "ask": ("ask", "askprice", "bestask", "bestaskprice", "askpx"),
    "bid_quantity": ("bidquantity", "bidsize", "bidqty", "bidamount", "bestbidqty", "bidvolume"),
    "ask_quantity": ("askquantity", "asksize", "askqty", "askamount", "bestaskqty", "askvolume"),
    "last": ("last", "lastprice", "price"),
    "volume": ("volume", "vol", "v"),
    "open_time": ("opentime", "starttime", "timestamp", "time", "ts", "datetime", "date"),
    "close_time": ("closetime", "endtime"),
    "interval": ("interval", "timeframe", "period"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "trade_count": ("tradecount", "trades", "numberoftrades", "count"),
    "sequence": ("sequence", "seq", "updateid", "lastupdateid", "finalupdateid"),
    "previous_sequence": ("previoussequence", "prevsequence", "pu"),
    "kind": ("kind", "updatetype", "issnapshot"),
}
"""The usual names of each field's column, the likeliest first, in small letters without anything between them."""

_MAX_LISTED = 30


def find_columns(
    path: Path, fields: Sequence[str], columns: Sequence[str], *, overrides: Mapping[str, str]
) -> dict[str, str]:
    """The column of every field that has one.

    Args:
        path: The file, for messages.
        fields: The fields to look for.
        columns: The columns that the file has.
        overrides: Columns by field, as the caller wants them. They come first, and a column named here is not given
            to another field by its name.

    Raises:
        ImportFileError: An override names a field or a column that is not there, or a column that is used stands
            in the file more than once.
    """
    for field, column in overrides.items():
        if field not in fields:
            raise ImportFileError(f"there is no field {shown(field)} to map; there are {', '.join(fields)}")
        if column not in columns:
            raise ImportFileError(f"{path} has no column {shown(column)} for {field}; it has {listed(columns)}")
    taken = set(overrides.values())
    by_plain_name = {_plain(column): column for column in reversed(columns) if column not in taken}
    found = {field: overrides.get(field) or _usual_column(field, by_plain_name) for field in fields}
    used = {field: column for field, column in found.items() if column is not None}
    for column in used.values():
        if columns.count(column) > 1:
            raise ImportFileError(f"{path} has the column {shown(column)} {columns.count(column)} times")
    return used


def _usual_column(field: str, by_plain_name: Mapping[str, str]) -> str | None:
    names = KNOWN_NAMES.get(field, (_plain(field),))
    return next((by_plain_name[name] for name in names if name in by_plain_name), None)


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def listed(columns: Sequence[str]) -> str:
    """The names of columns as a message shows them."""
    names = ", ".join(shown(column) for column in columns[:_MAX_LISTED])
    return names if len(columns) <= _MAX_LISTED else f"{names} and {len(columns) - _MAX_LISTED} more"
