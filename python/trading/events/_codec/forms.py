"""The form of each kind of values: the columns of Arrow in which the values of a field stand, by name.

`columns.py` says which columns a form has; in a file, a table and the codec it goes by the same name.
"""

from collections.abc import Mapping

_FORMS: Mapping[str, str] = {
    "none": "text",
    "text": "text",
    "id": "text",
    "bool": "bool",
    "int": "int",
    "float": "float",
    "decimal": "decimal",
    "moment": "utc",
    "datetime": "time",
}

ROUTING_FORMS = {"event_type": "text", "timestamp": "utc", "exchange": "text", "symbol": "text"}
"""The forms of the fields by which an event is routed and stored."""


def form_of(kind: str) -> str:
    """The form of a kind of values; `json` for every kind that has no columns of its own."""
    return _FORMS.get(kind, "json")
