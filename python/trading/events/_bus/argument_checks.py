"""Checks of what a bus is given; the error says what is wrong with it."""

import inspect
import math
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from types import CodeType, CoroutineType, FunctionType, MethodType
from typing import Any

from trading.events.errors import HandlerTypeError


def check_handler(handler: object, what: str = "handler", *, is_inline: bool = False) -> None:
    """Refuses a handler, or another callback, whose body would never run, or, inline, never end.

    What hides behind a decorator or a lambda shows itself at the first call.

    Raises:
        HandlerTypeError: It cannot be called, is a generator or a context manager, or is asynchronous and to be called
            inline.
    """
    check_callable(handler, what)
    _check_runs(handler, what)
    if is_inline and _is_kind(inspect.iscoroutinefunction, handler):
        raise HandlerTypeError(f"{what} {handler!r} is asynchronous; only a plain function can be called inline")


def check_plain(function: object, what: str) -> None:
    """Refuses a filter, or another function that is to answer at once, which could not.

    Raises:
        HandlerTypeError: It cannot be called, is asynchronous, or is a generator or a context manager.
    """
    check_callable(function, what)
    _check_runs(function, what)
    if _is_kind(inspect.iscoroutinefunction, function):
        raise HandlerTypeError(f"{what} {function!r} is asynchronous; make it a plain function")


def check_callable(found: object, what: str) -> None:
    """Refuses what cannot be called.

    Raises:
        HandlerTypeError: It cannot; or it is a coroutine, which somebody has made by calling the function.
    """
    if type(found) is CoroutineType:
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


def check_seconds(found: object, what: str) -> float | None:
    """A number of seconds from 0 on, or None; refuses all else.

    Raises:
        TypeError: It is no number.
        ValueError: It is negative, or not finite.
    """
    if found is None:
        return None
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise TypeError(f"{what} is {found!r}; it must be a number of seconds, or None")
    if not (found >= 0 and math.isfinite(found)):
        raise ValueError(f"{what} is {found}; it must be at least 0 and finite, or None for no limit")
    return float(found)


def _check_runs(function: object, what: str) -> None:
    kinds = {"a generator": _is_generator_function, "a context manager": _makes_context_manager}
    for kind, check in kinds.items():
        if _is_kind(check, function):
            text = "whose body would never run; make it a coroutine function or a plain one"
            raise HandlerTypeError(f"{what} {function!r} is {kind}, {text}")


def _is_kind(check: Callable[[Any], bool], function: object) -> bool:
    """True if a function, or the `__call__` of an object, is of a kind."""
    return check(function) or check(type(function).__call__)


def _is_generator_function(function: Any) -> bool:
    if inspect.isasyncgenfunction(function):
        return True
    code = _code_of(function)
    is_awaitable = code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)
    return inspect.isgeneratorfunction(function) and not is_awaitable


def _makes_context_manager(function: Any) -> bool:
    return _code_of(function) in _OF_CONTEXT_MANAGERS


def _code_of(function: Any) -> CodeType | None:
    while isinstance(function, partial | MethodType):
        function = function.func if isinstance(function, partial) else function.__func__
    return function.__code__ if isinstance(function, FunctionType) else None


@contextmanager
def _nothing() -> Generator[None]:
    yield


@asynccontextmanager
async def _nothing_async() -> AsyncGenerator[None]:
    yield


_OF_CONTEXT_MANAGERS = frozenset({_code_of(_nothing), _code_of(_nothing_async)}) - {None}
"""The code that all functions which these decorators make have in common."""
