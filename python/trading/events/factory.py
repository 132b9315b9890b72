"""create_event_bus: a bus by its URL."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from trading.events.memory_bus import InMemoryEventBus
from trading.events.settings import EventBusSettings

if TYPE_CHECKING:
    from trading.events.hybrid_bus import HybridEventBus
    from trading.events.redis_bus import RedisEventBus

AnyEventBus: TypeAlias = "InMemoryEventBus | RedisEventBus | HybridEventBus"
"""The buses that a URL may name."""

_SERVER_SCHEMES = (
    *("redis", "rediss", "unix"),
    *("redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"),
)


def create_event_bus(url: str | EventBusSettings | None = None, **settings: Any) -> AnyEventBus:
    """Makes a bus. It is not connected before it is entered or used.

    Args:
        url: `memory://` for an InMemoryEventBus; `redis://`, `rediss://` or `unix://` for a RedisEventBus,
            also `redis+cluster://` and `redis+sentinel://`; one of these
            with `hybrid+` before it for a HybridEventBus; or settings. None takes what the environment says, see
            EventBusSettings, and without that `memory://`.
        settings: Options of that bus, by name; they come before those of the settings.

    Raises:
        ValueError: The URL is of none of these kinds, or cannot be read.
        TypeError: The bus has no such option.
        ImportError: The bus needs the extra `redis`, which is not installed.
    """
    if not isinstance(url, str):
        known = EventBusSettings.from_environment() if url is None else url
        settings = known.options() | settings
        url = known.url.get_secret_value()
    scheme = url.partition("://")[0]
    if scheme == "memory":
        return InMemoryEventBus(**settings)
    make, server_url = _maker(scheme, url)
    return make(server_url, **settings)


def _maker(scheme: str, url: str) -> tuple[Callable[..., AnyEventBus], str]:
    is_hybrid = scheme.startswith("hybrid+")
    if scheme.removeprefix("hybrid+") not in _SERVER_SCHEMES:
        raise ValueError(
            f"the scheme {scheme[:40]!r} is none of memory, {', '.join(_SERVER_SCHEMES)}, or one of these after hybrid+"
        )
    if is_hybrid:
        from trading.events.hybrid_bus import HybridEventBus  # noqa: PLC0415 - needs the extra `redis`

        return HybridEventBus, url.removeprefix("hybrid+")
    from trading.events.redis_bus import RedisEventBus  # noqa: PLC0415 - needs the extra `redis`

    return RedisEventBus, url
