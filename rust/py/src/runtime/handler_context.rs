//! The contexts of handlers, which tell a bus that one of its handlers is the caller.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

/// The context variable with the numbers of the bus and the subscription whose handler runs.
fn handling(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static VARIABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let variable = VARIABLE.get_or_try_init(py, || {
        let name = PyString::new(py, "trading.events.handling");
        PyResult::Ok(py.import("contextvars")?.getattr("ContextVar")?.call1((name,))?.unbind())
    })?;
    Ok(variable.bind(py))
}

/// A copy of the caller's context for the handler of a subscription.
pub(crate) fn handler_context(py: Python<'_>, bus: u64, subscription: u64) -> PyResult<Bound<'_, PyAny>> {
    let context = py.import("contextvars")?.call_method0("copy_context")?;
    context.call_method1("run", (handling(py)?.getattr("set")?, (bus, subscription)))?;
    Ok(context)
}

/// The subscription of this bus whose handler, or a task that it has started, is the caller.
pub(crate) fn calling_subscription(py: Python<'_>, bus: u64) -> PyResult<Option<u64>> {
    let found = handling(py)?.call_method1(intern!(py, "get"), (py.None(),))?;
    if found.is_none() {
        return Ok(None);
    }
    let (marked, subscription) = found.extract::<(u64, u64)>()?;
    Ok((marked == bus).then_some(subscription))
}
