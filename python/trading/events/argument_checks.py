"""Whether what a bus is given can be what it is meant for; the error says what is wrong with it."""

import inspect
import math
from collections.abc import Callable
from typing import Any

from trading.events.errors import HandlerTypeError


def check_handler(handler: object, *, is_inline: bool) -> None:
    """Refuses a handler that would never run, or, inline, never end.

    Raises:
        HandlerTypeError: It cannot be called, is a generator, or is asynchronous and to be called inline.
    """
    check_callable(handler, "handler")
    if _is_kind(inspect.isasyncgenfunction, handler) or _is_kind(_is_plain_generator_function, handler):
        raise HandlerTypeError(f"handler {handler!r} is a generator, whose body would never run")
    if is_inline and _is_kind(inspect.iscoroutinefunction, handler):
        raise HandlerTypeError(f"handler {handler!r} is asynchronous; only a plain function can be called inline")


def check_filter(condition: object) -> None:
    """Refuses a filter that could not answer.

    Raises:
        HandlerTypeError: It cannot be called, or is asynchronous.
    """
    check_callable(condition, "filter")
    if _is_kind(inspect.iscoroutinefunction, condition):
        raise HandlerTypeError(f"filter {condition!r} is asynchronous; a filter is a plain function")


def check_callable(found: object, what: str) -> None:
    """Refuses what cannot be called.

    Raises:
        HandlerTypeError: It cannot; or it is a coroutine, which somebody has made by calling the function.
    """
    if inspect.iscoroutine(found):
        found.close()
        raise HandlerTypeError(f"{what} is a coroutine; pass the function itself, without calling it")
    if not callable(found):
        raise HandlerTypeError(f"{what} is {found!r}, which cannot be called")


def check_int(found: object, what: str, *, at_least: int, at_most: int) -> None:
    """Refuses what is no int between the bounds.

    Raises:
        TypeError: It is no int.
        ValueError: It is outside.
    """
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError(f"{what} is {found!r}; it must be an int")
    if not at_least <= found <= at_most:
        raise ValueError(f"{what} is {found}; it must be at least {at_least} and at most {at_most}")


def check_seconds(found: object, what: str) -> None:
    """Refuses what is no number of seconds from 0 on.

    Raises:
        TypeError: It is no number.
        ValueError: It is negative, or not finite.
    """
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise TypeError(f"{what} is {found!r}; it must be a number of seconds, or None")
    if not (found >= 0 and math.isfinite(found)):
        raise ValueError(f"{what} is {found}; it must be at least 0 and finite, or None for no limit")


def _is_kind(check: Callable[[Any], bool], function: object) -> bool:
    """Whether a function, or the `__call__` of an object, is of a kind."""
    return check(function) or check(type(function).__call__)


def _is_plain_generator_function(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    return inspect.isgeneratorfunction(function) and not (
        code is not None and code.co_flags & inspect.CO_ITERABLE_COROUTINE
    )
