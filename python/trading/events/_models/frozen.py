"""Read-only dictionaries and lists, in which events keep their metadata."""

from typing import Any, NoReturn, Self

from pydantic import JsonValue

from trading.events import _core
from trading.events.errors import ReadOnlyError


def _refuse(self: Any, *_args: Any, **_options: Any) -> NoReturn:
    plain = "dict" if isinstance(self, dict) else "list"
    raise ReadOnlyError(
        f"the metadata of an event are read-only: change a copy, {plain}(...), or all of model_dump()['metadata'], and "
        f"give it to an event of its own, event.model_copy(update={{'metadata': ...}})"
    )


def _keep(self: Any, _memo: dict[int, Any] | None = None) -> Any:
    return self


class FrozenDict(dict[str, JsonValue]):
    """A dictionary that refuses to be changed; the dictionaries and lists in it do too.

    It is equal to a plain one, and JSON, Pydantic and pickle take it for one. `copy.copy` and `copy.deepcopy` give the
    object itself, as they do for a tuple; `dict(...)`, `.copy()` and `|` give plain dictionaries. Only events make one.

    Raises:
        ReadOnlyError: It was to be changed.
    """

    __slots__ = ()

    __init__ = __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse
    __copy__ = __deepcopy__ = _keep

    def __new__(cls, *_args: Any, **_options: Any) -> Self:
        _refuse({})

    def __reduce__(self) -> tuple[Any, ...]:
        return _core.freeze, (dict(self),)


class FrozenList(list[JsonValue]):
    """A list that refuses to be changed; otherwise as `FrozenDict`.

    Raises:
        ReadOnlyError: It was to be changed.
    """

    __slots__ = ()

    __init__ = __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse
    __copy__ = __deepcopy__ = _keep

    def __new__(cls, *_args: Any, **_options: Any) -> Self:
        _refuse([])

    def __reduce__(self) -> tuple[Any, ...]:
        return _core.freeze, (list(self),)
