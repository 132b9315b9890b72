"""Settings of a bus and a store, from arguments or from the environment."""

import os
import warnings
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
)

from trading.events._models.suggestion import suggest
from trading.events.base import NonEmptyStr
from trading.events.errors import UnknownSettingWarning

PREFIX = "TRADING_EVENTS_"
"""The prefix of environment variables: `TRADING_EVENTS_URL` is `url`."""

_OF_TESTS = PREFIX + "TEST_"
"""The prefix of variables for tests; none of them is a setting."""

IMPORT_VARIABLE = PREFIX + "IMPORT"
"""The variable that names modules for the command line to import; it is no setting of a bus."""


class EventBusSettings(BaseModel):
    """The settings from which `create_event_bus` makes a bus, and of the store of its events.

    A setting that is None leaves the matter to the bus, whose own default stands in its documentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr = SecretStr("memory://")
    """`memory://`, `redis://`, `rediss://`, `unix://`, `redis+cluster://`, `redis+sentinel://`, the last two also with
    `rediss`; or one of these but the first with `hybrid+` before it. It may hold a password, and so is not shown."""

    name: NonEmptyStr | None = None
    """The bus's name, for logs and events."""

    forward: NonEmptyStr | None = None
    """Hybrid: the pattern of what is sent."""

    receive: NonEmptyStr | None = None
    """Hybrid: the pattern of what is heard of others."""

    outbox_capacity: PositiveInt | None = None
    """How many events may wait for the server."""

    outbox_overflow: Literal["block", "drop_oldest", "drop_newest", "conflate", "raise"] | None = None
    """What a full outbox does with one more."""

    slow_handler_s: PositiveFloat | None = None
    """When a handler that has not ended is named in a warning."""

    close_timeout_s: NonNegativeFloat | None = None
    """How long leaving `async with` works off what is left, before it gives that up."""

    strict_topics: bool | None = None
    """Whether a pattern whose event type no class has is refused, and not only warned of."""

    # Options of a bus over a server; TransportOptions says what each means.
    mode: Literal["pubsub", "streams"] | None = None
    namespace: NonEmptyStr | None = None
    connect_timeout_s: PositiveFloat | None = None
    reply_timeout_s: PositiveFloat | None = None
    ping_interval_s: PositiveFloat | None = None
    shards: PositiveInt | None = None
    group: NonEmptyStr | None = None
    consumer: NonEmptyStr | None = None
    start: datetime | str | None = Field(default=None, union_mode="left_to_right")
    unknown: Literal["skip", "deliver"] | None = None
    min_replicas: NonNegativeInt | None = None
    max_in_flight: PositiveInt | None = None
    max_attempts: PositiveInt | None = None
    retry_delay_s: NonNegativeFloat | None = None
    max_deliveries: PositiveInt | None = None
    claim_idle_s: PositiveFloat | None = None
    trim_interval_s: PositiveFloat | None = None
    max_stream_entries: NonNegativeInt | None = None

    store_path: Path = Path("data/events")
    """The folder of recorded events, for whoever makes a writer or a reader from these settings."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **settings: Any) -> Self:
        """Settings out of variables such as `TRADING_EVENTS_URL`.

        A variable that begins with `TRADING_EVENTS_` and is no setting is named in an UnknownSettingWarning;
        those that begin with `TRADING_EVENTS_TEST_` are left to tests.

        Args:
            environ: The variables; by default those of the process. Those that are empty are taken as not set.
            settings: What is given here comes before what the environment says.

        Raises:
            pydantic.ValidationError: A value is impossible.
        """
        variables = os.environ if environ is None else environ
        _warn_of_unknown(variables, known=cls.model_fields)
        found = {name: variables.get(PREFIX + name.upper()) for name in cls.model_fields}
        return cls.model_validate({name: value for name, value in found.items() if value} | settings)

    def options(self) -> dict[str, Any]:
        """The options of a bus that were set."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in {"url", "store_path"} and getattr(self, name) is not None
        }


def _warn_of_unknown(variables: Mapping[str, str], *, known: Collection[str]) -> None:
    for variable in variables:
        if variable.startswith(PREFIX) and variable != IMPORT_VARIABLE and not variable.startswith(_OF_TESTS):
            name, names = variable.removeprefix(PREFIX), {each.upper() for each in known}
            if name not in names:
                hint = suggest(name, names) or "; EventBusSettings lists those that there are"
                warnings.warn(f"{variable} is no setting{hint}", UnknownSettingWarning, stacklevel=3)
