//! JSON text, through Pydantic's own functions.

use pyo3::intern;
use pyo3::prelude::*;

/// The plain data of a JSON text.
pub(super) fn from_json<'py>(text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = text.py();
    py.import(intern!(py, "pydantic_core"))?.call_method1(intern!(py, "from_json"), (text,))
}

/// The JSON text of plain data.
pub(super) fn render_json<'py>(plain: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = plain.py();
    py.import(intern!(py, "trading.events._codec.typed_json"))?.call_method1(intern!(py, "render_json"), (plain,))
}
