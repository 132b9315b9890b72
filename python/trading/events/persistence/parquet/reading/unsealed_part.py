"""Rows of the journal that are not in a file yet, read as if they were one."""

from collections.abc import Container, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from trading.events.persistence.parquet.journal.topic_table import TopicTable
from trading.events.persistence.parquet.reading.part import OpenFiles, Part
from trading.events.persistence.parquet.store.footer import Footer, RowGroup
from trading.events.persistence.schema.stored_schema import choose_fields, column_names
from trading.events.persistence.selection import Selection


@dataclass(slots=True)
class UnsealedPart(Part):
    """Rows of a segment of the journal, which is their path; there is one group of them, in memory."""

    unsealed: pa.Table = field(kw_only=True, repr=False)

    def batches(
        self,
        selection: Selection,
        *,
        rows: int,
        open_files: OpenFiles,  # noqa: ARG002 - no file is opened for them
        names: Sequence[str] | None = None,
    ) -> Generator[pa.RecordBatch]:
        """The rows, at most `rows` at a time."""
        if self.footer().groups_in(selection):
            table = self.unsealed if names is None else self.unsealed.select(names)
            yield from table.combine_chunks().to_batches(max_chunksize=rows)

    def table(self, fields: Container[str] | None = None) -> pa.Table:
        """All rows."""
        return self.unsealed.select(column_names(choose_fields(self.footer().columns, fields)))


def unsealed_part(path: Path, topic: TopicTable, table: pa.Table) -> Part:
    """The part that rows of a segment make before they are sealed; their table has some."""
    times = table.column("timestamp").cast(pa.int64())
    first, last = times[0].as_py(), times[-1].as_py()
    columns = {column.name: column.stored for column in topic.schema.columns}
    footer = Footer(topic.file_topic, columns, (RowGroup(0, table.num_rows, first, last),))
    return UnsealedPart(path, topic.day, table.nbytes, table.num_rows, first, last, None, footer, unsealed=table)
