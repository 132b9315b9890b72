"""Kinds of event classes: classes that are the same definition, made again, are one kind.

A cell of a notebook that is run again, `importlib.reload`, a module that is run as a script and imported as well: each
makes a class anew. Events of the old and the new one are routed alike: who subscribed to either hears both.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

_KIND = "__event_kind__"
_FIRST: dict[tuple[object, ...], type] = {}


def enter_kind(cls: type[BaseModel], event_type: str | None) -> None:
    """Notes the kind of a new class: the first class of its event type, name and module.

    A class without an event type that a function defines is a kind of its own: each call may mean another.
    """
    first: type = cls
    if event_type is not None or "<locals>" not in cls.__qualname__:
        keys = [(event_type, place, cls.__qualname__, _arguments(cls)) for place in _places(cls.__module__)]
        first = next((_FIRST[key] for key in keys if key in _FIRST), cls)
        for key in keys:
            _FIRST.setdefault(key, first)
    setattr(cls, _KIND, first)


def kind_of(cls: type) -> type:
    """The class that stands for a class's kind."""
    kind: type = vars(cls).get(_KIND, cls)
    return kind


def is_of_kind(cls: type, ancestor: type) -> bool:
    """True if a class is, or derives from, a class of the same kind as another."""
    wanted = kind_of(ancestor)
    return any(kind_of(each) is wanted for each in cls.__mro__)


def _places(module: str) -> Iterator[str]:
    """The names of a module: its own and its file's, which `__main__` shares with it."""
    yield module
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is not None:
        yield os.path.realpath(file)


def _arguments(cls: type[BaseModel]) -> tuple[object, ...]:
    """The arguments of a generic class, by their names, as they may be made anew too."""
    arguments: tuple[Any, ...] = cls.__pydantic_generic_metadata__["args"]
    return tuple((each.__module__, each.__qualname__) if isinstance(each, type) else repr(each) for each in arguments)
