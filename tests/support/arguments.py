"""Writes `trading/events/arguments.py`, of the fields of each class: `python -m tests.support.arguments`.

Type checkers go by annotations, which say what an event holds; its constructor takes more. What each kind of field
takes stands here, and is tried by tests/events/models/test_arguments.py.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import trading.events
from trading.events import BaseEvent, BookLevel, event_classes
from trading.events._codec.description import describe_class
from trading.events._codec.shapes import Shape

FILE = Path(trading.events.__file__).with_name("arguments.py")

HEAD = '''"""The arguments of each event class's constructor, as type checkers know them.

An event's annotations say what it holds; its constructor takes more: a price may be an int, a text or a float, and a
time a text. A class of your own says so by a `__init__` for type checkers alone:

    class FundingRateArguments(MarketDataEventArguments):
        rate: Required[Number]


    class FundingRateEvent(MarketDataEvent):
        event_type: Literal["funding_rate"] = "funding_rate"
        rate: Amount

        if TYPE_CHECKING:

            def __init__(self, **arguments: Unpack[FundingRateArguments]) -> None: ...

`python -m tests.support.arguments` writes this module.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Generic, Literal, Required, TypedDict, TypeVar

from pydantic import JsonValue

Number = Decimal | int | float | str
"""What a price or a quantity is made of. A float is taken through its shortest decimal text."""

Time = datetime | str
"""What a moment is made of; a text is ISO 8601. One in no zone is taken as UTC."""

LevelT = TypeVar("LevelT")


class CommonArguments(TypedDict, total=False):
    """What every event class takes, beside exchange and symbol, which some require."""

    event_id: str
    timestamp: Time
    metadata: Mapping[str, JsonValue]


'''

COMMON = {"event_id", "timestamp", "metadata"}

TAKEN = {
    "text": "str",
    "id": "str",
    "bool": "bool",
    "int": "int",
    "float": "float",
    "decimal": "Number",
    "moment": "Time",
    "metadata": "Mapping[str, JsonValue]",
}
"""What a field of each kind takes."""


def classes() -> list[type[BaseModel]]:
    """The classes of this package, abstract ones and the model of a level included, bases first."""
    own = [cls for cls in event_classes() if cls.__module__.startswith("trading.events.")]
    bases = {base: None for cls in own for base in reversed(cls.__mro__) if issubclass(base, BaseEvent)}
    return [BookLevel, *bases]


def takes(shape: Shape) -> str:
    """What a field of a shape takes, as an annotation."""
    match shape:
        case Shape("optional", (inner,)):
            return f"{takes(inner)} | None"
        case Shape("literal", _, choices):
            return f"Literal[{', '.join(map(repr, choices))}]"
        case Shape("tuple_of", (Shape("model", _, model),)) if model is BookLevel:
            return "Sequence[LevelT | BookLevelArguments]"
        case _:
            return TAKEN[shape.kind]


def arguments_of(cls: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each argument of a class, and what it takes."""
    for field in describe_class(cls).fields:
        if field.name in COMMON:
            continue
        taken = takes(field.shape)
        if field.name != "event_type":
            yield field.name, f"Required[{taken}]" if cls.model_fields[field.name].is_required() else taken
        elif field.shape.kind == "literal":
            yield field.name, taken


def render() -> str:
    """The module."""
    parts = [HEAD]
    for cls in classes():
        lines = [f"    {name}: {taken}" for name, taken in arguments_of(cls)]
        base = "CommonArguments" if issubclass(cls, BaseEvent) else "TypedDict"
        generic = ", Generic[LevelT]" if any("LevelT" in line for line in lines) else ""
        parts.append(f"class {cls.__name__}Arguments({base}{generic}, total=False):")
        parts += [f'    """What {cls.__name__} takes."""', "", *lines, "", ""]
    return formatted("\n".join(parts))


def formatted(text: str) -> str:
    """Source text as ruff has it."""
    command: list[Any] = [sys.executable, "-m", "ruff", "format", f"--stdin-filename={FILE}", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
