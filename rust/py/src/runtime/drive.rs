//! Calling handlers and driving their coroutines, in their subscription's context.

use pyo3::exceptions::PyStopIteration;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;

use super::exits;
use super::returned;

/// The outcome of a call, or of a step of a coroutine.
pub(crate) enum Progress<'py> {
    /// It is suspended, with the value that it yielded.
    Suspended(Bound<'py, PyAny>),
    /// It has ended.
    Returned,
    /// It has raised.
    Raised(PyErr),
}

/// An entered context, which is left when the guard is dropped.
pub(crate) struct ContextGuard<'py>(Option<Bound<'py, PyAny>>);

impl<'py> ContextGuard<'py> {
    pub(crate) fn enter(context: &Bound<'py, PyAny>) -> PyResult<Self> {
        // SAFETY: `context` was made by `contextvars.copy_context`, and the thread is attached.
        let status = unsafe { ffi::PyContext_Enter(context.as_ptr()) };
        if status == 0 { Ok(Self(Some(context.clone()))) } else { Err(PyErr::fetch(context.py())) }
    }

    fn is(&self, context: &Bound<'py, PyAny>) -> bool {
        self.0.as_ref().is_some_and(|entered| entered.is(context))
    }

    /// Enters a context, unless `entered` is it.
    pub(crate) fn switch(context: &Bound<'py, PyAny>, entered: &mut Option<Self>) -> PyResult<()> {
        if !entered.as_ref().is_some_and(|entered| entered.is(context)) {
            *entered = None;
            *entered = Some(Self::enter(context)?);
        }
        Ok(())
    }

    /// Ends the guard without leaving the context.
    pub(crate) fn into_raw(mut self) -> Option<Py<PyAny>> {
        self.0.take().map(Bound::unbind)
    }

    /// The guard of a context that is entered already.
    pub(crate) fn from_raw(py: Python<'py>, context: Option<Py<PyAny>>) -> Self {
        Self(context.map(|context| context.into_bound(py)))
    }
}

impl Drop for ContextGuard<'_> {
    fn drop(&mut self) {
        let Some(context) = &self.0 else { return };
        // SAFETY: this thread entered the context and has left every context it entered since.
        let status = unsafe { ffi::PyContext_Exit(context.as_ptr()) };
        if status != 0 {
            PyErr::fetch(context.py()).write_unraisable(context.py(), None);
        }
    }
}

fn within<'py>(context: &Bound<'py, PyAny>, run: impl FnOnce() -> Progress<'py>) -> Progress<'py> {
    match ContextGuard::enter(context) {
        Ok(_entered) => run(),
        Err(error) => Progress::Raised(error),
    }
}

/// Calls a handler in the current context, and runs its coroutine to the first suspension. `awaited` receives the
/// coroutine.
pub(crate) fn start<'py>(
    handler: &Bound<'py, PyAny>,
    argument: &Bound<'py, PyAny>,
    awaited: &mut Option<Bound<'py, PyAny>>,
) -> Progress<'py> {
    match exits::call(handler, argument) {
        Err(error) => Progress::Raised(error),
        Ok(result) if result.is_none() => Progress::Returned,
        Ok(result) => match returned::awaited(handler, result) {
            Err(error) => Progress::Raised(error),
            Ok(None) => Progress::Returned,
            Ok(Some(coroutine)) => {
                let progress = send(&coroutine);
                *awaited = Some(coroutine);
                progress
            }
        },
    }
}

/// Calls a plain function. A coroutine that it returns counts as a suspension.
pub(crate) fn call<'py>(
    context: &Bound<'py, PyAny>,
    handler: &Bound<'py, PyAny>,
    argument: &Bound<'py, PyAny>,
) -> Progress<'py> {
    within(context, || match exits::call(handler, argument) {
        Err(error) => Progress::Raised(error),
        Ok(result) if result.is_none() => Progress::Returned,
        Ok(result) => match returned::awaited(handler, result.clone()) {
            Err(error) => Progress::Raised(error),
            Ok(None) => Progress::Returned,
            Ok(Some(_)) => Progress::Suspended(result),
        },
    })
}

/// Runs a coroutine to its next suspension.
pub(crate) fn resume<'py>(context: &Bound<'py, PyAny>, coroutine: &Bound<'py, PyAny>) -> Progress<'py> {
    within(context, || send(coroutine))
}

/// Throws an exception into a coroutine, and runs it to its next suspension.
pub(crate) fn throw<'py>(context: &Bound<'py, PyAny>, coroutine: &Bound<'py, PyAny>, error: PyErr) -> Progress<'py> {
    within(context, || raise_in(coroutine, error))
}

/// [`throw`] in the current context.
pub(crate) fn raise_in<'py>(coroutine: &Bound<'py, PyAny>, error: PyErr) -> Progress<'py> {
    let py = coroutine.py();
    let thrower = match coroutine.getattr_opt(intern!(py, "throw")) {
        Ok(Some(thrower)) => thrower,
        Ok(None) => return Progress::Raised(error),
        Err(wrong) => return Progress::Raised(wrong),
    };
    match exits::call(&thrower, error.into_value(py).bind(py)) {
        Ok(yielded) => Progress::Suspended(yielded),
        Err(stop) if stop.is_instance_of::<PyStopIteration>(py) => Progress::Returned,
        Err(raised) => Progress::Raised(raised),
    }
}

/// `coroutine.send(None)`, without a `StopIteration` at its end.
pub(crate) fn send<'py>(coroutine: &Bound<'py, PyAny>) -> Progress<'py> {
    match exits::send(coroutine) {
        (ffi::PySendResult::PYGEN_NEXT, Some(yielded)) => Progress::Suspended(yielded),
        (ffi::PySendResult::PYGEN_RETURN, _) => Progress::Returned,
        _ => Progress::Raised(PyErr::fetch(coroutine.py())),
    }
}
