"""Metadata are read-only at every level, whatever way they came in, and are dictionaries and lists all the same."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, JsonValue, TypeAdapter

from tests.support.classes.samples import SAMPLES, sample
from trading.events import (
    BaseEvent,
    InMemoryEventBus,
    ReadOnlyError,
    decode_batch,
    decode_event,
    describe,
    encode_batch,
    encode_event,
    events_to_table,
    table_to_events,
)
from trading.events._core import RowTable, freeze
from trading.events._models.frozen import FrozenDict, FrozenList
from trading.events.market_data import TickEvent

PLAIN: dict[str, Any] = {"a": 1, "list": [3, [1], {"b": None}], "dict": {"c": {}, "d": []}, "big": 10**30, "x": -0.5}


def event() -> TickEvent:
    return sample(TickEvent, metadata=PLAIN)


def through_a_row(given: BaseEvent) -> BaseEvent:
    table = RowTable()
    row = table.pack(given)
    return RowTable(table.texts).unpack(row)


WAYS: dict[str, Callable[[], BaseEvent]] = {
    "made": event,
    "made of the metadata of another": lambda: sample(TickEvent, metadata=event().metadata),
    "validated": lambda: TickEvent.model_validate(event().model_dump()),
    "validated from JSON": lambda: TickEvent.model_validate_json(event().model_dump_json()),
    "constructed without validation": lambda: TickEvent.model_construct(**(dict(event()) | {"metadata": PLAIN})),
    "copied": lambda: event().model_copy(),
    "copied with changes": lambda: sample(TickEvent).model_copy(update={"metadata": PLAIN}),
    "copied with other changes": lambda: event().model_copy(update={"bid": 1}),
    "copied by copy": lambda: copy.copy(event()),
    "copied deeply": lambda: copy.deepcopy(event()),
    "unpickled": lambda: pickle.loads(pickle.dumps(event())),
    "decoded": lambda: decode_event(encode_event(event())),
    "decoded from a batch": lambda: decode_batch(encode_batch([event()]))[0],
    "from a table": lambda: table_to_events(events_to_table([event()]))[0],
    "from a row": lambda: through_a_row(event()),
}

every_way = pytest.mark.parametrize("way", WAYS)


def levels(value: object) -> list[Any]:
    """A value and all dictionaries and lists in it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] * isinstance(value, (dict, list)) + [each for part in inner for each in levels(part)]


@every_way
def test_metadata_are_read_only_at_every_level(way: str) -> None:
    found = WAYS[way]()
    assert found.metadata == PLAIN
    assert [type(each) for each in levels(found.metadata)] == [
        FrozenDict if type(each) is dict else FrozenList for each in levels(PLAIN)
    ]


DICT_CHANGES: dict[str, Callable[[Any], object]] = {
    "__setitem__": lambda it: it.__setitem__("a", 2),
    "__delitem__": lambda it: it.__delitem__("a"),
    "__ior__": lambda it: it.__ior__({"a": 2}),
    "__init__": lambda it: it.__init__({"a": 2}),
    "clear": lambda it: it.clear(),
    "pop": lambda it: it.pop("a", None),
    "popitem": lambda it: it.popitem(),
    "setdefault": lambda it: it.setdefault("new", 1),
    "update": lambda it: it.update(a=2),
}
LIST_CHANGES: dict[str, Callable[[Any], object]] = {
    "__setitem__": lambda it: it.__setitem__(slice(0, 1), [1, 2]),
    "__delitem__": lambda it: it.__delitem__(0),
    "__iadd__": lambda it: it.__iadd__([1]),
    "__imul__": lambda it: it.__imul__(2),
    "__init__": lambda it: it.__init__([1]),
    "append": lambda it: it.append(1),
    "clear": lambda it: it.clear(),
    "extend": lambda it: it.extend([1]),
    "insert": lambda it: it.insert(0, 1),
    "pop": lambda it: it.pop(),
    "remove": lambda it: it.remove(3),
    "reverse": lambda it: it.reverse(),
    "sort": lambda it: it.sort(key=str),
}


@pytest.mark.parametrize("change", DICT_CHANGES)
def test_a_dictionary_refuses_every_change_with_a_sentence(change: str) -> None:
    given = event()
    for each in (given.metadata, given.metadata["dict"]):
        with pytest.raises(ReadOnlyError, match=r"metadata of an event are read-only: change a copy, dict\(\.\.\.\)"):
            DICT_CHANGES[change](each)
    assert given.metadata == PLAIN


@pytest.mark.parametrize("change", LIST_CHANGES)
def test_a_list_refuses_every_change_with_a_sentence(change: str) -> None:
    given = event()
    with pytest.raises(ReadOnlyError, match=r"metadata of an event are read-only: change a copy, list\(\.\.\.\)"):
        LIST_CHANGES[change](given.metadata["list"])
    assert given.metadata == PLAIN


def test_statements_that_change_are_refused_too() -> None:
    metadata: Any = event().metadata
    statements = ["m['a'] = 2", "del m['a']", "m |= {'a': 2}"]
    statements += ["m['list'] += [1]", "m['list'][0:1] = []", "del m['list'][0]"]
    for statement in statements:
        with pytest.raises(TypeError, match="read-only"):
            exec(statement, {"m": metadata})  # noqa: S102 - the statement is what is tested
    assert metadata == PLAIN


@pytest.mark.parametrize(
    ("frozen", "plain", "changes"), [(FrozenDict, dict, DICT_CHANGES), (FrozenList, list, LIST_CHANGES)]
)
def test_no_method_of_its_base_that_changes_is_left(frozen: type, plain: type, changes: dict[str, Any]) -> None:
    """Turned red by: a mutator missing from the class, also one that a later Python brings."""
    readers = {"copy", "fromkeys", "get", "items", "keys", "values", "index", "count"}
    reading = {"contains", "getitem", "len", "iter", "reversed", "or", "ror", "add", "mul", "rmul", "class_getitem"}
    known = readers | {f"__{name}__" for name in reading} | set(changes)
    own = {name for name in vars(plain) if name not in vars(object)} | {"__init__"}
    assert own - known <= {"__hash__", "__doc__", "__new__"}
    for name in changes:
        assert getattr(frozen, name) is not getattr(plain, name)


def test_none_can_be_made_by_hand() -> None:
    for frozen in (FrozenDict, FrozenList):
        with pytest.raises(ReadOnlyError):
            frozen()


def test_copies_by_its_methods_are_plain() -> None:
    metadata: Any = event().metadata
    dicts = [dict(metadata), metadata.copy(), metadata | {}, {} | metadata, {**metadata}]
    assert {type(each) for each in dicts} == {dict}
    values = metadata["list"]
    lists = [list(values), values.copy(), values + [], [] + values, values * 1, 1 * values, values[:], [*values]]  # noqa: RUF005
    assert {type(each) for each in lists} == {list}


def test_it_is_a_dictionary_to_json_pydantic_and_pickle() -> None:
    given = event()
    assert json.loads(json.dumps(given.metadata)) == PLAIN
    for mode in ("python", "json"):
        dumped = given.model_dump(mode=mode)["metadata"]
        assert [type(each) for each in levels(dumped)] == [type(each) for each in levels(PLAIN)]
    adapter: TypeAdapter[Any] = TypeAdapter(dict[str, JsonValue])
    assert type(adapter.validate_python(given.metadata, strict=True)) is dict

    class Model(BaseModel):
        details: dict[str, Any]

    assert Model(details=given.metadata).model_dump() == {"details": PLAIN}
    for value in levels(given.metadata):
        again = pickle.loads(pickle.dumps(value))
        assert again == value
        assert type(again) is type(value)
        assert copy.copy(value) is copy.deepcopy(value) is value


def test_events_without_metadata_share_one_object() -> None:
    made = [sample(TickEvent), sample(TickEvent, metadata={}), decode_event(encode_event(sample(TickEvent)))]
    made += [*table_to_events(events_to_table(made)), through_a_row(made[0]), pickle.loads(pickle.dumps(made[0]))]
    assert {id(each.metadata) for each in made} == {id(made[0].metadata)}


@pytest.mark.parametrize("cls", SAMPLES)
def test_no_field_of_our_classes_can_be_changed_in_place(cls: type[BaseEvent]) -> None:
    """Turned red by: a list or a dictionary of its own in one of our classes."""
    for field in describe(cls).fields:
        assert {part.kind for part in field.shape.parts()} & {"list", "dict", "any", "json", "pydantic"} == set()


def test_what_json_cannot_say_is_left_as_it_is() -> None:
    odd: dict[str, Any] = {"a": object(), "b": (1, [2]), 3: [4]}
    assert freeze(odd) is odd
    within: Any = []
    within.append(within)
    with pytest.raises(ValueError, match="nested more than"):
        freeze(within)


async def test_a_handler_that_would_change_them_fails_and_the_next_hears_what_was_published() -> None:
    heard: list[Any] = []
    given = event()

    def change(tick: TickEvent) -> None:
        tick.metadata["a"] = 2  # type: ignore[index] - it is a Mapping to type checkers

    async with InMemoryEventBus() as bus:
        sid = await bus.subscribe("tick", change)
        await bus.subscribe("tick", lambda tick: heard.append(tick.metadata))
        await bus.publish(given)
        await bus.join()
        assert bus.statistics().subscriptions[sid].failed == 1
    assert heard == [PLAIN]
