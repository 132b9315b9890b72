"""What functions of users return: values, things to await, and things whose body never runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial, wraps
from types import CoroutineType, GeneratorType, coroutine
from typing import Any, Self
from unittest.mock import AsyncMock, MagicMock, Mock

import numpy as np

Answer = Callable[[list[str]], object]
"""Makes what a handler returns; notes in the list what has run to its end."""


class Proxy:
    """An object that passes itself off as another, as those of wrapt and werkzeug do."""

    def __init__(self, subject: object) -> None:
        object.__setattr__(self, "_subject", subject)

    @property
    def __class__(self) -> Any:
        return type(object.__getattribute__(self, "_subject"))

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_subject"), name)


class Obliging:
    """An object that has any attribute it is asked for."""

    def __getattr__(self, name: str) -> Self:
        return self

    def __call__(self, *_args: object) -> Self:
        return self


class Unbound:
    """An object that cannot be asked for anything, not even whether it is true."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("working outside of a context")

    def __bool__(self) -> bool:
        raise RuntimeError("neither true nor false")


class Liar:
    """An object that passes itself off as an int, and means it."""

    @property
    def __class__(self) -> Any:
        return int


VALUES: dict[str, Callable[[], object]] = {
    "mock": Mock,
    "magic mock": MagicMock,
    "mock of a future": lambda: Mock(spec=asyncio.Future),
    "mock of a coroutine": lambda: Mock(spec=CoroutineType),
    "mock of a generator's code": lambda: Mock(gi_code=Mock(co_flags=0x100)),
    "obliging": Obliging,
    "unbound": Unbound,
    "liar": Liar,
    "array": lambda: np.arange(3),
    "proxy of a list": lambda: Proxy([1]),
    "list": lambda: [1, None],
    "text": lambda: "done",
    "class": lambda: asyncio.Future,
    "iterator": lambda: iter([1]),
    "function": lambda: print,
}
"""What is no more than a value, whatever it looks like."""


async def work(done: list[str]) -> None:
    """Suspends, and ends."""
    await asyncio.sleep(0)
    done.append("ran")


class Awaited:
    """An object that can be awaited."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def __await__(self) -> Generator[Any, Any, None]:
        return work(self._done).__await__()


@coroutine
def _old_work(done: list[str]) -> Generator[Any, Any, None]:
    yield from work(done)


async def _numbers(done: list[str]) -> AsyncIterator[int]:
    await work(done)
    yield 1


AWAITABLES: dict[str, Answer] = {
    "coroutine": work,
    "__await__": Awaited,
    "task": lambda done: asyncio.create_task(work(done)),
    "gathered future": lambda done: asyncio.gather(work(done)),
    "generator by types.coroutine": _old_work,
    "native awaitable": lambda done: anext(_numbers(done)),
    "mock's coroutine": lambda done: AsyncMock(side_effect=partial(work, done))(),
    "proxy of a coroutine": lambda done: Proxy(work(done)),
    "proxy of an __await__": lambda done: Proxy(Awaited(done)),
}
"""What has to be awaited, and then has run."""


def generator(_event: object) -> Iterator[int]:
    """A function whose body runs only when it is iterated."""
    raise AssertionError("nobody iterates")
    yield 1


async def asynchronous_generator(_event: object) -> AsyncIterator[int]:
    """A function whose body runs only when it is iterated asynchronously."""
    raise AssertionError("nobody iterates")
    yield 1


entered = contextmanager(generator)
entered_asynchronously = asynccontextmanager(asynchronous_generator)


class Method:
    """An object with methods whose bodies never run."""

    async def __call__(self, _event: object) -> AsyncIterator[int]:
        yield 1

    @asynccontextmanager
    async def session(self, _event: object) -> AsyncIterator[int]:
        yield 1


def decorated(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wraps a function as decorators do, so that it looks like a plain one."""

    @wraps(function)
    def wrapper(event: object) -> object:
        return function(event)

    return wrapper


NEVER_RUN: dict[str, Callable[[Any], object]] = {
    "generator": generator,
    "asynchronous generator": asynchronous_generator,
    "partial": partial(asynchronous_generator),
    "callable object": Method(),
    "context manager": entered,
    "asynchronous context manager": entered_asynchronously,
    "method that is one": Method().session,
    "partial of one": partial(Method().session),
}
"""Functions of which one sees that their bodies would never run."""

UNRUN: dict[str, Callable[[], object]] = {
    "generator": lambda: generator(None),
    "asynchronous generator": lambda: asynchronous_generator(None),
    "context manager": lambda: entered(None),
    "asynchronous context manager": lambda: entered_asynchronously(None),
    "proxy of a generator": lambda: Proxy(generator(None)),
    "list of coroutines": lambda: [work([]), work([])],
    "tuple of coroutines": lambda: (1, work([])),
    "set of coroutines": lambda: {work([])},
    "coroutine function": lambda: work,
    "decorated generator": lambda: decorated(generator)(None),
    "decorated asynchronous generator": lambda: decorated(asynchronous_generator)(None),
}
"""Answers behind which a body has not run: nobody sees it before the first call."""

BROKEN_AWAIT: dict[str, Callable[[], Awaitable[None]]] = {
    "no iterator": type("Broken", (), {"__await__": lambda _self: 1}),
    "raises": type("Broken", (), {"__await__": lambda _self: 1 / 0}),
}
"""Objects that cannot be awaited though their type says so."""

assert isinstance(Proxy(generator(None)), GeneratorType)
