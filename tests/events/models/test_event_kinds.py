"""A class that is defined again is the same kind: who subscribed to the old or to the new one hears events of both."""

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar

import pytest

from tests.support.classes.samples import MOMENT
from trading.events import (
    BaseEvent,
    EventDefinitionError,
    EventEncodeError,
    InMemoryEventBus,
    decode_event,
    encode_event,
    events_to_table,
    table_to_events,
)
from trading.events._models import event_kinds
from trading.events._models.event_kinds import is_of_kind
from trading.events.filters import event_type_filter
from trading.events.persistence import EventReader, ParquetEventWriter
from trading.events.transport.subscriptions import patterns_of

SOURCE = """
from typing import Literal
from trading.events import BaseEvent

class Family(BaseEvent):
    strategy: str = "s"

class Signal(Family):
    event_type: Literal["own_signal"] = "own_signal"
    strength: int = 1

class Strong(Signal):
    event_type: Literal["own_strong"] = "own_strong"
"""


@pytest.fixture(autouse=True)
def _forget_kinds(classes_are_forgotten: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_kinds, "_FIRST", dict(event_kinds._FIRST))


Twice = tuple[Any, Any]


def run_cells(_: Path) -> Twice:
    """A cell that is run twice in one namespace, which no file is behind."""
    notebook = ModuleType("own_notebook")
    exec(SOURCE, vars(notebook))  # noqa: S102 - as a notebook does
    first = ModuleType("kept")
    vars(first).update(vars(notebook))
    exec(SOURCE, vars(notebook))  # noqa: S102
    return first, notebook


def reload(folder: Path) -> Twice:
    (folder / "own_reloaded.py").write_text(SOURCE)
    module = importlib.import_module("own_reloaded")
    first = ModuleType("kept")
    vars(first).update(vars(module))
    return first, importlib.reload(module)


def import_twice(folder: Path) -> Twice:
    """One file under two names, as `__main__` and the module's own are."""
    (folder / "own_twice.py").write_text(SOURCE)
    found = []
    for name in ("own_twice", "own_twice_by_another_name"):
        spec = importlib.util.spec_from_file_location(name, folder / "own_twice.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        found.append(sys.modules[name])
    return found[0], found[1]


@pytest.fixture(params=[run_cells, reload, import_twice])
def twice(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twice]:
    monkeypatch.syspath_prepend(tmp_path)
    make: Callable[[Path], Twice] = request.param
    yield make(tmp_path)
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


def events_of(twice: Twice) -> list[BaseEvent]:
    made = [module.Signal(timestamp=MOMENT) for module in twice]
    return [*made, *(module.Strong(timestamp=MOMENT) for module in twice)]


@pytest.mark.parametrize("name", ["Signal", "Family", "Strong"])
@pytest.mark.parametrize("which", [0, 1], ids=["old", "new"])
async def test_a_subscription_by_either_class_hears_both(twice: Twice, which: int, name: str) -> None:
    wanted = getattr(twice[which], name)
    heard: list[BaseEvent] = []
    filtered: list[BaseEvent] = []
    events = events_of(twice)
    async with InMemoryEventBus(history=8) as bus:
        await bus.subscribe(wanted, heard.append)
        await bus.subscribe("*", filtered.append, event_type_filter(wanted))
        for event in events:
            await bus.publish(event)
        await bus.join()
        kept = bus.history.query(wanted)
    expected = events[2:] if name == "Strong" else events
    assert heard == filtered == kept == expected
    assert [event for event in events if event_type_filter(wanted)(event)] == expected


@pytest.mark.parametrize("which", [0, 1], ids=["old", "new"])
async def test_a_reader_and_a_server_are_asked_alike(twice: Twice, which: int, tmp_path: Path) -> None:
    async with ParquetEventWriter(tmp_path / "store") as writer:
        await writer.write_batch(events_of(twice))
    reader = EventReader(tmp_path / "store")
    assert reader.count(event_type=twice[which].Signal) == 4
    assert reader.count(filter=event_type_filter(twice[which].Strong)) == 2
    assert set(patterns_of(twice[which].Family)) == {"events.own_signal.*.*", "events.own_strong.*.*"}


def test_decoding_makes_the_newest_class_and_those_of_two_are_not_equal(twice: Twice) -> None:
    old, new = twice
    given = old.Signal()
    again = decode_event(encode_event(given))
    assert type(again) is new.Signal
    assert dict(again) == dict(given)
    assert again != given
    assert is_of_kind(new.Strong, old.Family)


def test_a_module_that_is_run_and_imported_has_one_kind(tmp_path: Path) -> None:
    program = f"""{SOURCE}
if __name__ == "__main__":
    import asyncio, own_program
    from trading.events import InMemoryEventBus
    async def main():
        async with InMemoryEventBus() as bus:
            heard = []
            await bus.subscribe(Signal, heard.append)
            await bus.subscribe(own_program.Signal, heard.append)
            await bus.publish(Signal())
            await bus.publish(own_program.Strong())
            await bus.join()
            print(len(heard), own_program.Signal is Signal)
    asyncio.run(main())
"""
    (tmp_path / "own_program.py").write_text(program)
    ran = subprocess.run([sys.executable, tmp_path / "own_program.py"], capture_output=True, text=True, check=True)
    assert ran.stdout == "4 False\n"


def test_another_class_with_the_same_event_type_is_refused() -> None:
    def first() -> None:
        class Own(BaseEvent):
            event_type: Literal["own_other"] = "own_other"

    def second() -> None:
        class Own(BaseEvent):
            event_type: Literal["own_other"] = "own_other"

    first()
    first()
    with pytest.raises(EventDefinitionError, match="give it a Literal of its own"):
        second()


def test_abstract_classes_that_a_function_makes_are_different_kinds() -> None:
    def make() -> type[BaseEvent]:
        class Family(BaseEvent):
            pass

        return Family

    assert not is_of_kind(make(), make())


T = TypeVar("T")


def test_generic_classes_are_one_kind_by_their_arguments() -> None:
    def make() -> Any:
        class Box(BaseEvent, Generic[T]):
            event_type: Literal["own_box"] = "own_box"
            value: T

        return Box

    old, new = make(), make()
    assert is_of_kind(new[int], old[int])
    assert is_of_kind(new[int], old)
    assert not is_of_kind(new[int], old[str])


def test_a_table_of_both_is_refused_where_their_fields_differ() -> None:
    def make(fields: dict[str, Any]) -> Any:
        annotations = {"event_type": Literal["own_table"], **{name: type(value) for name, value in fields.items()}}
        names = {"__module__": __name__, "__qualname__": "OwnTable", "__annotations__": annotations, **fields}
        return type(BaseEvent)("OwnTable", (BaseEvent,), names | {"event_type": "own_table"})

    old, same, other = make({"a": 1}), make({"a": 1}), make({"a": 1, "b": 2})
    again: list[Any] = table_to_events(events_to_table([old(a=5), same(a=6)]))
    assert [each.a for each in again] == [5, 6]
    for newest in (other, make({"a": "text"})):
        with pytest.raises(EventEncodeError, match="two classes of the event type own_table differ in their fields"):
            events_to_table([old(), newest()])
