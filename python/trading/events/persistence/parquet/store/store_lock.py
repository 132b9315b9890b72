"""The locks of a store: one that lets only one writer in, and one that lets only one commit at a time."""

import fcntl
import os
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from trading.events.errors import StoreLockedError, StorePathError
from trading.events.persistence.parquet.store.durable_files import make_folder

LOCK_NAME = ".lock"
COMMIT_LOCK_NAME = ".commit"


class StoreLock:
    """The lock of a store's writer, held from its construction until `release`, or until the process dies in any way.

    Attributes:
        held: Whether this process still holds it; a forked child does not.

    Raises:
        StoreLockedError: Another writer holds it, in this process or in another.
        OSError: The lock file cannot be opened.
    """

    def __init__(self, base_path: Path) -> None:
        path = base_path / LOCK_NAME
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            owner = os.pread(descriptor, 20, 0).decode("ascii", "replace")
            os.close(descriptor)
            raise StoreLockedError(
                f"{base_path} is being written to by another writer, in process {owner}; close that one first"
            ) from None
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor: int | None = descriptor
        self.held = True
        _LOCKS.add(self)

    def release(self) -> None:
        """Releases the lock for the next writer. Calling it again does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self.held = False


def find_writer(base_path: Path) -> int | None:
    """The process of the writer that has a store open, by the kernel's list of locks; None where that tells of none.

    The lock itself is not tried, since a writer that opens the store at that moment would find it taken.
    """
    try:
        file = (base_path / LOCK_NAME).stat()
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return None
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    held = (line.split() for line in locks.splitlines())
    return next((int(words[4]) for words in held if words[1] == "FLOCK" and words[5] == place), None)


def lock_store(base_path: Path) -> StoreLock:
    """Makes a store's folder, if there is none, and takes its lock.

    Raises:
        StoreLockedError: Another writer holds it.
        StorePathError: There can be no store at this path.
    """
    if base_path.exists() and not base_path.is_dir():
        raise StorePathError(f"{base_path} is a file; a store needs a folder")
    try:
        make_folder(base_path)
        return StoreLock(base_path)
    except OSError as error:
        raise StorePathError(f"{base_path} cannot hold a store: {error}") from error


@contextmanager
def committing(base_path: Path) -> Generator[None]:
    """Holds the commit lock, without which no manifest is changed. It is held for moments only.

    Raises:
        OSError: The lock file cannot be opened.
    """
    descriptor = os.open(base_path / COMMIT_LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


_LOCKS: weakref.WeakSet[StoreLock] = weakref.WeakSet()


def _release_all() -> None:
    for lock in _LOCKS:
        lock.release()


# A child that kept the descriptor would keep the lock when its parent has died.
os.register_at_fork(after_in_child=_release_all)
