"""Instances made of what was accepted before, without their constructors."""

import logging
from collections.abc import Callable
from functools import lru_cache

from pydantic import BaseModel

_log = logging.getLogger("trading.events")


_KEPT = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__")


class Parts:
    """Parts of an instance of a model, as Pydantic fills it in."""

    __slots__ = (*_KEPT, "__pydantic_private__")


def restore_model(cls: type[BaseModel], parts: Parts) -> BaseModel:
    """The instance that has these parts."""
    made = object.__new__(cls)
    _move(parts, made)
    restore_private(made)
    return made


def take_apart(model: BaseModel) -> Parts:
    """Parts of an instance."""
    parts = Parts()
    _move(model, parts)
    return parts


def _move(source: object, target: object) -> None:
    for name in _KEPT:
        if hasattr(source, name):  # a root model has no others than its value
            object.__setattr__(target, name, getattr(source, name))


def restore_private(model: BaseModel) -> None:
    """Gives a model its private attributes as construction does: by their defaults, and by `model_post_init`.

    What that does to fields is undone: they are as they were when the model was constructed first.
    """
    cls = type(model)
    if cls.__pydantic_root_model__:
        return
    object.__setattr__(model, "__pydantic_private__", None)
    if cls.__private_attributes__:
        extra = model.__pydantic_extra__
        kept = {
            "__dict__": dict(model.__dict__),
            "__pydantic_extra__": None if extra is None else dict(extra),
            "__pydantic_fields_set__": set(model.__pydantic_fields_set__),
        }
        initialize(model, lambda: model.model_post_init(None))
        for name, value in kept.items():
            object.__setattr__(model, name, value)


def initialize(instance: object, initializer: Callable[[], object]) -> None:
    """Calls what a class adds to construction. What was accepted before is not refused if that raises."""
    try:
        initializer()
    except Exception as error:  # noqa: BLE001 - whatever a user's function raises
        _tell_once(type(instance).__qualname__, f"{type(error).__name__}: {error}")


@lru_cache(maxsize=256)
def _tell_once(name: str, reason: str) -> None:
    _log.warning("%s: an instance that was stored is restored although what initializes it raised %s", name, reason)
