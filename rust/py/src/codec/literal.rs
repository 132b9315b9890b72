//! The choices of a literal.

use pyo3::prelude::*;

/// The choice that equals a value and has its type, as 1 equals True.
pub(super) fn find_choice<'a, 'py>(
    choices: &'a [Py<PyAny>],
    value: &Bound<'py, PyAny>,
) -> PyResult<Option<&'a Bound<'py, PyAny>>> {
    let py = value.py();
    for choice in choices {
        let choice = choice.bind(py);
        if choice.is(value) || (choice.get_type().is(value.get_type()) && choice.eq(value)?) {
            return Ok(Some(choice));
        }
    }
    Ok(None)
}
