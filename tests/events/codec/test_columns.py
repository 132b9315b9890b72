"""Events as columns: every value comes back exactly as it was, or is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, ConfigDict, Field

from tests.support.classes.odd_fields import ODD_FIELDS, Leg, Venue, define
from tests.support.classes.samples import SAMPLES, sample
from tests.support.classes.strategies import events
from trading.events import _core
from trading.events._codec.columns import FORMS
from trading.events._codec.forms import ROUTING_FORMS, form_of
from trading.events._codec.shapes import KIND_OF_TYPE
from trading.events.base import Amount, BaseEvent, UtcDatetime
from trading.events.errors import EventDecodeError, EventEncodeError, UnstorableEventError
from trading.events.market_data import OrderBookEvent, TickEvent
from trading.events.persistence.encoding import encode_row
from trading.events.persistence.schema.event_schema import CONVERSION_ERRORS, event_schema
from trading.events.persistence.schema.stored_schema import (
    read_description,
)

pytestmark = pytest.mark.usefixtures("classes_are_forgotten")


def encode(events: Sequence[BaseEvent]) -> pa.Table:
    schema = event_schema(type(events[0]))
    return schema.encode(list(events), list(range(len(events))))


def there_and_back(*events: BaseEvent) -> list[BaseEvent]:
    """The events through columns, as a reader of the file would get them."""
    schema = event_schema(type(events[0]))
    table = encode(events).replace_schema_metadata(schema.describe(events[0].exchange, events[0].symbol))
    _, columns = read_description(table.schema)
    return [event for batch in table.to_batches() for event in schema.decode(batch, columns)]


def assert_same(actual: Sequence[BaseEvent], expected: Sequence[BaseEvent]) -> None:
    assert list(actual) == list(expected)
    assert [event.model_dump_json() for event in actual] == [event.model_dump_json() for event in expected]


@given(events())
def test_an_event_of_any_class_comes_back_equal_and_with_the_same_json(event: BaseEvent) -> None:
    assert_same(there_and_back(event), [event])


@pytest.mark.parametrize("cls", SAMPLES)
def test_events_of_one_class_come_back_in_their_order(cls: type[BaseEvent]) -> None:
    several = [sample(cls), sample(cls, event_id="x", metadata={"a": [1, None, {"b": 1.5}]}), sample(cls)]
    assert_same(there_and_back(*several), several)


@pytest.mark.parametrize(
    ("text", "column", "exponent", "exact"),
    [
        ("1.10", "1.100000000000000000", -2, None),
        ("50000", "50000.000000000000000000", 0, None),
        ("1E+5", "100000.000000000000000000", 5, None),
        ("0.00", "0E-18", -2, None),
        ("0E+19", "0E-18", 19, None),
        ("-99999999999999999999.999999999999999999", "-99999999999999999999.999999999999999999", -18, None),
        ("1E+19", "10000000000000000000.000000000000000000", 19, None),
        ("1E+20", None, None, "1E+20"),
        ("100000000000000000000", None, None, "100000000000000000000"),
        ("1E-30", None, None, "1E-30"),
        ("0E+20", None, None, "0E+20"),
        ("1.0000000000000000000", None, None, "1.0000000000000000000"),
        ("-0", None, None, "-0"),
        ("-0.00", None, None, "-0.00"),
        ("9" * 40, None, None, "9" * 40),
    ],
)
def test_a_decimal_stands_as_number_and_exponent_or_whole_as_text(
    text: str, column: str | None, exponent: int | None, exact: str | None
) -> None:
    event = sample(TickEvent, bid=Decimal(text))

    row = encode([event]).to_pylist()[0]

    assert row["bid"] == (None if column is None else Decimal(column))
    assert (row["bid_exp"], row["bid_exact"]) == (exponent, exact)
    [again] = there_and_back(event)
    assert isinstance(again, TickEvent)
    assert str(again.bid) == text


def test_columns_have_the_fields_names_and_real_types() -> None:
    schema = event_schema(TickEvent).arrow

    assert set(TickEvent.model_fields) <= set(schema.names)
    assert schema.field("bid").type == pa.decimal128(38, 18)
    assert schema.field("timestamp").type == schema.field("local_timestamp").type == pa.timestamp("us", tz="UTC")
    assert schema.field("event_id").type == schema.field("symbol").type == schema.field("metadata").type == pa.string()
    assert schema.names[-1] == "_seq"
    assert event_schema(OrderBookEvent).arrow.field("sequence").type == pa.int64()


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_utc_microsecond_from_year_1_to_9999_comes_back(moment: datetime) -> None:
    [again] = there_and_back(sample(TickEvent, timestamp=moment))
    assert again.timestamp == moment
    assert again.timestamp.tzinfo is UTC


@pytest.mark.parametrize(("annotation", "value"), [pytest.param(*rest, id=name) for name, *rest in ODD_FIELDS])
def test_a_field_of_any_type_comes_back_exactly(annotation: Any, value: Any) -> None:
    event = define(annotation)(value=value)
    [again] = there_and_back(event)
    assert again == event
    assert repr(again) == repr(event)


@pytest.mark.parametrize(("annotation", "value"), [pytest.param(*rest, id=name) for name, *rest in ODD_FIELDS])
def test_an_optional_field_of_any_type_comes_back_exactly(annotation: Any, value: Any) -> None:
    cls = define(Optional[annotation])  # noqa: UP045 - `|` does not take a mere None
    several = [cls(value=value), cls(value=None)]
    assert there_and_back(*several) == several


def test_a_float_that_is_not_a_number_comes_back() -> None:
    event = define(Annotated[float, Field(allow_inf_nan=True)])(value=float("nan"))
    [again] = there_and_back(event)
    assert repr(again.value) == "nan"


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        pytest.param(Any, Decimal("1.10"), id="a decimal that its JSON does not tell from a text"),
        pytest.param(list[Any], [(1, 2)], id="a tuple that its JSON does not tell from a list"),
        pytest.param(Any, object(), id="an object that has no JSON"),
    ],
)
def test_a_value_that_would_come_back_otherwise_is_refused(annotation: Any, value: Any) -> None:
    event = define(annotation, config=ConfigDict(arbitrary_types_allowed=True))(value=value)
    with pytest.raises(UnstorableEventError, match=r"OddEvent .* cannot be stored exactly: "):
        encode_row(event)


def test_a_value_that_a_row_can_hold_and_its_column_cannot_is_refused_by_both() -> None:
    event = define(int | Decimal | str)(value="7")
    for refuse in (encode_row, lambda event: encode([event])):
        with pytest.raises(EventEncodeError, match=r"as JSON it comes back as Decimal\('7'\)"):
            refuse(event)


def test_a_class_that_changes_how_events_are_routed_is_refused() -> None:
    class NaiveEvent(BaseEvent):
        event_type: Literal["naive"] = "naive"
        timestamp: datetime

    with pytest.raises(UnstorableEventError, match=r"NaiveEvent\.timestamp must have the type that BaseEvent gives"):
        event_schema(NaiveEvent)


def test_a_field_may_have_the_name_that_would_be_put_beside_another() -> None:
    class TwinEvent(BaseEvent):
        event_type: Literal["twin"] = "twin"
        price: Amount
        price_exp: str
        price_exact: int

    event = TwinEvent(price=Decimal("1.10"), price_exp="x", price_exact=2**64)

    assert_same(there_and_back(event), [event])
    assert encode([event]).to_pylist()[0] | {"price_exp": "x", "price_exp_": -2} == encode([event]).to_pylist()[0]


def test_fields_with_aliases_and_strict_classes_come_back() -> None:
    class StrictEvent(BaseEvent):
        model_config = ConfigDict(strict=True)

        event_type: Literal["strict"] = "strict"
        venue: Venue = Field(alias="v")
        legs: tuple[Leg, ...] = Field(validation_alias="l")
        due: UtcDatetime = Field(serialization_alias="d")

    event = StrictEvent(v=Venue.SPOT, l=(Leg(r=Decimal(1)),), due=datetime(2024, 1, 1, tzinfo=UTC))

    assert_same(there_and_back(event), [event])


def test_what_a_validator_changed_is_stored_as_it_is() -> None:
    Upper = Annotated[str, AfterValidator(str.upper)]  # noqa: N806 - a type
    event = define(Upper)(value="abc")
    assert encode([event]).to_pylist()[0]["value"] == "ABC"
    assert_same(there_and_back(event), [event])


@pytest.mark.parametrize(
    ("form", "columns"),
    [
        pytest.param(
            "decimal", [pa.array([Decimal("1.11")], FORMS["decimal"].type), [-1], [None]], id="would be rounded"
        ),
        pytest.param("decimal", [pa.array([Decimal("1.11")], FORMS["decimal"].type), [None], [None]], id="no exponent"),
        pytest.param("decimal", [pa.array([Decimal(1)], FORMS["decimal"].type), [-100], [None]], id="strange exponent"),
        pytest.param("decimal", [pa.array([None], FORMS["decimal"].type), [None], ["lots"]], id="no decimal"),
        pytest.param("int", [[None], ["1.5"]], id="no int"),
        pytest.param("utc", [pa.array([2**62]).cast(FORMS["utc"].type)], id="beyond year 9999"),
        pytest.param("time", [pa.array([None], FORMS["utc"].type), ["noon"]], id="no datetime"),
    ],
)
def test_columns_that_no_value_makes_are_refused(form: str, columns: list[Any]) -> None:
    with pytest.raises(CONVERSION_ERRORS):
        FORMS[form].decode([column if isinstance(column, pa.Array) else pa.array(column) for column in columns])


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_as_many_columns_in_the_codec_as_in_the_table(form: str) -> None:
    columns = [(0, pa.nulls(0, type_).buffers()) for type_ in FORMS[form].types]
    assert _core.decode_columns(0, [(form, columns)], {}, 0) == []
    for wrong in (columns[:-1], [*columns, columns[0]]):
        with pytest.raises(EventDecodeError, match="columns of its form"):
            _core.decode_columns(0, [(form, wrong)], {}, 0)


def test_every_kind_of_values_has_a_form_of_the_table() -> None:
    kinds = {*KIND_OF_TYPE.values(), "id", "moment", "metadata", "pydantic"}
    assert {form_of(kind) for kind in kinds} == set(FORMS)
    assert set(ROUTING_FORMS.values()) <= set(FORMS)
