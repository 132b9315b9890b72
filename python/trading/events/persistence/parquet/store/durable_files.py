"""Folders and names that survive a loss of power."""

import os
from collections.abc import Iterable
from pathlib import Path

from trading.events import _core

_FEW_FILES = 8
"""Most files that are synced one by one; for more, their whole file system is synced once."""


def make_folder(folder: Path) -> None:
    """Makes a folder and what is missing above it, durably.

    Raises:
        OSError: It cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable.

    Raises:
        OSError: A system call failed.
    """
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def sync_files(paths: Iterable[Path], folder: Path) -> None:
    """Makes files, and their names, durable; all of them lie somewhere in the folder.

    Raises:
        OSError: A system call failed.
    """
    several = list(paths)
    if len(several) > _FEW_FILES:
        _core.sync_file_system(folder)
        return
    for path in several:
        _sync(path, os.O_RDONLY)
    for parent in {path.parent for path in several}:
        sync_folder(parent)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
