"""The options of a subscription, once for every method that takes them."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any, TypedDict

from trading.events.bus import Delivery, GapCallback, Overflow, Start


class SubscribeOptions(TypedDict, total=False):
    """Keyword arguments of `InMemoryEventBus.subscribe` and `on`, which describe them."""

    capacity: int
    overflow: Overflow
    delivery: Delivery
    on_gap: GapCallback | None
    name: str | None
    start: Start


def check_options(options: Mapping[str, object], method: str, *more: str) -> None:
    """Refuses an option that a method does not take.

    Raises:
        TypeError: There is one.
    """
    taken = (*SubscribeOptions.__annotations__, *more)
    for name in options:
        if name not in taken:
            raise TypeError(f"{method}() got an unexpected keyword argument {name!r}; it takes {', '.join(taken)}")


def spell_out_options(*methods: Callable[..., Any], defaults_of: Callable[..., Any]) -> None:
    """Has `help` and `inspect.signature` show each option of the methods, with its default, in place of `**options`."""
    defaults = signature(defaults_of).parameters
    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=defaults[name].default, annotation=annotation)
        for name, annotation in SubscribeOptions.__annotations__.items()
    ]
    for method in methods:
        own = signature(method)
        plain = [each for each in own.parameters.values() if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
        named = [each for each in own.parameters.values() if each.kind is Parameter.KEYWORD_ONLY]
        method.__signature__ = own.replace(parameters=[*plain, *options, *named])  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
