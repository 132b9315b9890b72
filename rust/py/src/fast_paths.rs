//! A report of the fast paths taken.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::codec;
use crate::publish::awaitable::Done;

/// Each fast path, and whether this process takes it.
#[pyfunction]
pub(crate) fn fast_paths(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let paths = PyDict::new(py);
    paths.set_item("decimal_layout", codec::reads_decimals(py)?)?;
    paths.set_item("member_slots", codec::fills_slots(py)?)?;
    paths.set_item("untracked_events", codec::untracks(py)?)?;
    paths.set_item("finished_awaitable", Done::is_short(py)?)?;
    Ok(paths)
}
