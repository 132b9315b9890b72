"""The path of a store: only a folder that a writer has recorded into is read, verified or changed as one."""

from os import PathLike
from pathlib import Path

from trading.events.errors import StorePathError
from trading.events.persistence.parquet.store.layout import JOURNAL, day_folder, list_days, list_parts
from trading.events.persistence.parquet.store.manifest import NAME as MANIFEST


def existing_store(base_path: str | PathLike[str]) -> Path:
    """The absolute path of a store.

    Raises:
        StorePathError: There is no such folder, it cannot be read, or it is no store: it has neither a journal nor a
            day with a manifest or a Parquet file.
    """
    path = Path(base_path).absolute()
    if not path.is_dir():
        state = "is not a folder" if path.exists() else "does not exist"
        raise StorePathError(f"{path} {state}, so there are no recorded events in it")
    try:
        is_store = (path / JOURNAL).is_dir() or any(_has_files(day_folder(path, day)) for day in list_days(path))
    except OSError as error:
        raise StorePathError(f"{path} cannot be read: {error}") from error
    if not is_store:
        raise StorePathError(
            f"{path} is no store of recorded events: it has neither a folder {JOURNAL} nor a day such as 2024/01/31"
        )
    return path


def _has_files(folder: Path) -> bool:
    return (folder / MANIFEST).exists() or bool(list_parts(folder))
