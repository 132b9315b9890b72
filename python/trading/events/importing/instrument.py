"""The exchange and the symbol of imported events."""

from collections.abc import Mapping

from trading.events.importing.cells import read_text, shown


class Instrument:
    """Names the exchange and the symbol of each row, from the caller or from the file.

    A symbol that the caller gives is the name of the one instrument that the file is about: what a symbol column then
    says is the venue's own name, and a row that says another than the first is of another instrument.

    Args:
        exchange: The exchange, or None to take it from the file.
        symbol: The symbol, or None to take it from the file.
        defaults: What a row is given, by the names of fields, where neither says anything.
    """

    def __init__(self, exchange: str | None, symbol: str | None, *, defaults: Mapping[str, str]) -> None:
        self._defaults = defaults
        self._exchange = exchange
        self._symbol = symbol
        self._only_raw_symbol: str | None = None

    def names(self, said: Mapping[str, object]) -> dict[str, str]:
        """The fields `exchange`, `symbol` and, where known, `raw_symbol`.

        Args:
            said: What the row says, by the same names; what it does not say is missing.

        Raises:
            ValueError: The row is of another instrument than the caller named.
        """
        stated = {field: read_text(value) for field, value in said.items()}
        if self._symbol is None:
            names = stated
        else:
            names = {"symbol": self._symbol}
            raw_symbol = stated.get("raw_symbol", stated.get("symbol"))
            if raw_symbol is not None:
                self._check_only(raw_symbol)
                if raw_symbol != self._symbol:
                    names["raw_symbol"] = raw_symbol
        exchange = self._exchange or stated.get("exchange")
        return {**self._defaults, **names} if exchange is None else {**self._defaults, **names, "exchange": exchange}

    def _check_only(self, raw_symbol: str) -> None:
        if self._only_raw_symbol is None:
            self._only_raw_symbol = raw_symbol
        elif raw_symbol != self._only_raw_symbol:
            raise ValueError(
                f"it is of {shown(raw_symbol)}, but {self._symbol} was given for a file that began "
                f"with {shown(self._only_raw_symbol)}; give no symbol for a file of several"
            )
