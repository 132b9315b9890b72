"""The native part: topics and patterns, the bus itself."""

def new_event_id() -> str:
    """A new identity: a version 7 UUID (RFC 9562) as 32 hex digits, which sort by time of creation."""

def compose_topic(event_type: str, exchange: str | None, symbol: str | None, /) -> str:
    """`events.{event_type}.{exchange}.{symbol}`, with `_` for None. The parts are taken as valid."""

def check_event_type(name: str, /) -> str:
    """Returns the name if it is `[a-z][a-z0-9_]*`.

    Raises:
        ValueError: It is not.
    """

def check_exchange(name: str, /) -> str:
    """Returns the name if it can be an exchange: not blank or `_`; no dot, `*`, `?` or control character.

    Raises:
        ValueError: It cannot.
    """

def check_symbol(name: str, /) -> str:
    """Returns the name if it can be a symbol: not blank or `_`; no `*`, `?` or control character.

    Raises:
        ValueError: It cannot.
    """

def normalize_pattern(pattern: str, /) -> str:
    """The pattern with its shorthands written out: `tick` is `events.tick.*.*`.

    Raises:
        PatternError: The text is no pattern.
    """

def matches(pattern: str, topic: str, /) -> bool:
    """Whether the topic is one of those that the pattern stands for. A text that is no topic matches nothing.

    Raises:
        PatternError: The first text is no pattern.
    """
