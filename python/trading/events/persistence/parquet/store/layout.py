"""The folders of a store: one for each day, such as `base_path/2024/01/01`, and one for the journal."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from trading.events.persistence.names import SUFFIX

JOURNAL = "_journal"
"""The name of the journal's folder."""


def journal_folder(base_path: Path) -> Path:
    """The folder of a store's journal."""
    return base_path / JOURNAL


def day_folder(base_path: Path, day: date) -> Path:
    """The folder of a day, in UTC."""
    return base_path / f"{day.year:04}" / f"{day.month:02}" / f"{day.day:02}"


def list_days(base_path: Path) -> list[date]:
    """The days that have a folder, in order.

    Raises:
        OSError: A folder cannot be read.
    """
    return sorted(
        date(year, month, day)
        for year, year_folder in _numbered(base_path, digits=4)
        for month, month_folder in _numbered(year_folder, digits=2)
        for day, _ in _numbered(month_folder, digits=2)
        if _is_date(year, month, day)
    )


def list_parts(folder: Path) -> list[Path]:
    """The Parquet files of a day's folder, in the order of their names.

    Raises:
        OSError: The folder cannot be read.
    """
    return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and path.name[0] not in "._")


def _numbered(folder: Path, *, digits: int) -> Iterator[tuple[int, Path]]:
    """The folders in a folder whose names are numbers of so many digits."""
    for path in folder.iterdir():
        if len(path.name) == digits and path.name.isascii() and path.name.isdigit() and path.is_dir():
            yield int(path.name), path


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        return bool(date(year, month, day))
    except ValueError:
        return False
