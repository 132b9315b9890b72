"""ArcticEventWriter: records events in ArcticDB."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from trading.events._codec.micros import to_micros
from trading.events.base import BaseEvent
from trading.events.persistence.arctic.delivery import ArcticDelivery
from trading.events.persistence.arctic.library import DEFAULT_CAPACITY_BYTES, EventLibrary, open_library
from trading.events.persistence.encoding import encode_row, refuse_extra
from trading.events.persistence.parquet.store.store_lock import lock_store
from trading.events.persistence.sending.policy import SendingPolicy
from trading.events.persistence.sending.queued_writer import QueuedEventWriter, check_time
from trading.events.persistence.sending.sender import Sender

_FIRST_MICROS = -(2**63 - 1) // 1_000 + 1
_LAST_MICROS = (2**63 - 1) // 1_000
_SESSION = 2**40
"""The count of sequence numbers that a writer reserves; the next writer's follow."""

_SESSIONS = "_sessions"


class ArcticEventWriter(QueuedEventWriter):
    """Records events in ArcticDB, in a folder of its own (LMDB), a symbol of the library `events` for each topic.

        async with ArcticEventWriter("data/arctic") as writer:
            await bus.subscribe("*", writer.write_event)

    It needs the extra `arcticdb`. ArcticDB is under the Business Source License 1.1, which asks for a paid licence for
    use in production; trading-events itself is not under it, and does not contain it.

    Symbols have the names that files of a ParquetEventWriter have (`tick_binance_BTCUSDT`), so that any exchange and
    symbol can be stored. `persistence.arctic.columns` says how fields stand in columns, exactly; decimals are integers
    with the exponent beside them. An ArcticEventReader makes events of them again.

    `write_event` returns when the event waits to be stored, and waits itself only when `policy.capacity_bytes` do. A
    thread stores them in batches: those of a topic that come in order are appended, later ones are merged in. What the
    disk does not take is kept and tried again. A process that dies loses what waits; `flush` makes it durable. An
    append takes some ten milliseconds for each topic, which is why events wait for five seconds by default.

    A writer that is not closed tries to store what waits, for a few seconds, when it is garbage collected or the
    interpreter ends. Its methods may be called from any event loop; in a forked child they raise.

    Args:
        base_path: The store's folder; made if it is missing.
        capacity_bytes: Largest size of the store. As much address space is taken, and of the disk as much as is needed.
            The first writer or reader in a process decides.
        policy: The limits of batches; by default up to 50,000 events, after five seconds.

    Raises:
        StorePathError: `base_path` is a file, or cannot be written to.
        StoreLockedError: Another writer has it open.
    """

    def __init__(
        self,
        base_path: str | PathLike[str],
        *,
        capacity_bytes: int = DEFAULT_CAPACITY_BYTES,
        policy: SendingPolicy | None = None,
    ) -> None:
        self._base_path = Path(base_path).absolute()
        lock = lock_store(self._base_path)
        try:
            library = open_library(self._base_path, capacity_bytes=capacity_bytes, creates=True)
            delivery = ArcticDelivery(library, lock, first_seq=_begin_session(library))
        except BaseException:
            lock.release()
            raise
        super().__init__(Sender(delivery, policy or SendingPolicy(batch_events=50_000, age_s=5.0)))

    @property
    def base_path(self) -> Path:
        """The store's folder, as an absolute path."""
        return self._base_path

    @property
    def store_id(self) -> tuple[str, Path]:
        """The kind of store, and its folder, links resolved."""
        return "arctic", self._base_path.resolve()

    def _encode(self, events: Iterable[BaseEvent]) -> list[bytes]:
        return [_encode(event) for event in events]


def _encode(event: BaseEvent) -> bytes:
    row = encode_row(event)
    refuse_extra(event)
    check_time(event, to_micros(event.timestamp), first=_FIRST_MICROS, last=_LAST_MICROS)
    return row


def _begin_session(library: EventLibrary) -> int:
    """The number of the first event of a writer, above those of all writers before it."""
    native = library.native
    past = native.read_metadata(_SESSIONS).metadata if native.has_symbol(_SESSIONS) else 0
    native.write_metadata(_SESSIONS, past + 1, prune_previous_versions=True)
    return (past + 1) * _SESSION
