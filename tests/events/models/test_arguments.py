"""What type checkers know of constructors is what the classes take, and stands as its script writes it."""

import inspect
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel

from tests.support.arguments import FILE, classes, render
from tests.support.classes.samples import SAMPLES
from trading.events import BaseEvent, BookLevel, arguments

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
CONCRETE = [cls for cls in classes() if cls in SAMPLES or cls is BookLevel]


def test_the_module_is_as_its_script_writes_it() -> None:
    """Turned red by: a field that is added to a class, or changed, without `python -m tests.support.arguments`."""
    if find_spec("ruff") is None:
        pytest.skip("ruff is in the extra dev, which `make test` installs")
    assert FILE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize("cls", CONCRETE, ids=lambda cls: cls.__name__)
def test_each_class_says_that_it_takes_them(cls: type[BaseModel]) -> None:
    source = inspect.getsource(cls)
    assert f"def __init__(self, **arguments: Unpack[{cls.__name__}Arguments" in source


def values_of(annotation: Any, given: Any) -> list[Any]:
    """One value of each type that a price or a time may be given as, that means what was given."""
    kinds = set(get_args(annotation)) or {annotation}
    if set(get_args(arguments.Number)) <= kinds:
        number = Decimal(4 if given is None else given)
        return [number, float(number), str(number), *([int(number)] if number == int(number) else [])]
    if set(get_args(arguments.Time)) <= kinds:
        moment = MOMENT if given is None else given
        return [moment, moment.isoformat()]
    return []


@pytest.mark.parametrize("cls", CONCRETE, ids=lambda cls: cls.__name__)
def test_the_class_takes_all_that_it_says(cls: type[BaseModel]) -> None:
    sample: dict[str, Any] = {"price": 4, "quantity": 1} if not issubclass(cls, BaseEvent) else SAMPLES[cls]
    hints = get_type_hints(getattr(arguments, f"{cls.__name__}Arguments"))
    assert hints.keys() == cls.model_fields.keys()
    assert {name for name, info in cls.model_fields.items() if info.is_required()} == required(cls)
    for name, annotation in hints.items():
        made = [cls(**{**sample, name: value}) for value in values_of(annotation, sample.get(name))]
        assert len({getattr(each, name) for each in made}) <= 1
        assert {type(getattr(each, name)) for each in made} <= {Decimal, datetime}
    assert any(values_of(annotation, None) for annotation in hints.values())


def required(cls: type[BaseModel]) -> frozenset[str]:
    """The arguments without which the class is not made."""
    found: frozenset[str] = getattr(arguments, f"{cls.__name__}Arguments").__required_keys__
    return found
