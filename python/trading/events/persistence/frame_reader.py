"""FrameReader: selected events as tables and data frames."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Unpack

import pyarrow as pa

from trading.events._codec.frames import check_columns, pandas_frames, polars_frames, present_table, with_index
from trading.events.persistence.selection import Criteria, select
from trading.events.persistence.store_reader import StoreReader

if TYPE_CHECKING:
    import pandas
    import polars


class FrameReader(StoreReader):
    """The methods of an IEventReader that give its events as columns."""

    def read_table(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        columns: Iterable[str] | None = None,
        exact: bool = False,
        floats: bool = False,
        **criteria: Unpack[Criteria],
    ) -> pa.Table:
        """The selected events as one Arrow table, sorted as in `read_range`.

        The columns have the fields' names; decimals are of the type decimal128(38, 18). For several event types the
        table has the columns of all, null where a type does not have one.

        Args:
            start: First moment.
            end: First moment that is too late.
            columns: The fields that are wanted, in this order; by default all. What others hold is not read.
            exact: Whether columns beside them are wanted that hold what they cannot say: the exponent of a decimal in
                `price_exp`, as text in `price_exact` what the type of `price` cannot hold, and in `_seq` the order of
                recording, where the store has it. `table_to_events` makes the same events of such a table.
            floats: Whether decimals are wanted as the nearest floats.
            criteria: The events to select.

        Raises:
            ValueError: The selected events have no field of such a name, or the type of a column cannot hold a value,
                which `exact=True` gives as text.
        """
        names = check_columns(columns)
        selection = replace(select(start, end, **criteria), fields=None if names is None else frozenset(names))
        table = self._read_table(selection)
        return present_table(table, selection.possible_classes, columns=names, exact=exact, floats=floats)

    def to_polars(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        columns: Iterable[str] | None = None,
        exact: bool = False,
        floats: bool = False,
        **criteria: Unpack[Criteria],
    ) -> "polars.DataFrame":
        """The same table as a DataFrame of polars, mostly without a copy.

        Args:
            start: First moment.
            end: First moment that is too late.
            columns: As in `read_table`.
            exact: As in `read_table`.
            floats: As in `read_table`.
            criteria: The events to select.

        Raises:
            ImportError: polars is not installed.
            ValueError: As in `read_table`.
        """
        frame_of = polars_frames()
        return frame_of(self.read_table(start, end, columns=columns, exact=exact, floats=floats, **criteria))

    def to_pandas(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        columns: Iterable[str] | None = None,
        exact: bool = False,
        floats: bool = False,
        index: str | None = None,
        **criteria: Unpack[Criteria],
    ) -> "pandas.DataFrame":
        """The same table as a DataFrame of pandas, whose columns keep Arrow's types, so that decimals stay exact.

        With `floats=True` those of numbers with a point are of NumPy's float64, on which all that pandas and NumPy
        calculate works: `pct_change`, `resample("1min").ohlc()`, `numpy.log`.

        Args:
            start: First moment.
            end: First moment that is too late.
            columns: As in `read_table`.
            exact: As in `read_table`.
            floats: As in `read_table`.
            index: The field that becomes the index; a time makes a DatetimeIndex, which `resample` needs.
            criteria: The events to select.

        Raises:
            ImportError: pandas is not installed.
            ValueError: As in `read_table`.
        """
        frame_of = pandas_frames(index=index, floats=floats)
        columns = with_index(columns, index)
        return frame_of(self.read_table(start, end, columns=columns, exact=exact, floats=floats, **criteria))
