//! Reports of failures in user code.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::native_bus::NativeBus;
use super::subscriber::Subscriber;
use crate::error::ends_program;
use crate::runtime::drive::ContextGuard;
use crate::runtime::exits;

impl NativeBus {
    /// Reports a failure to the Python half of the bus, in the context in which the handler or gap callback ran. Errors
    /// in the report itself are written to stderr, except those that end the program.
    pub(crate) fn report(
        slf: &Bound<'_, Self>,
        subscriber: &Subscriber,
        event: &Bound<'_, PyAny>,
        error: PyErr,
        phase: &str,
    ) -> PyResult<()> {
        // A filter runs in its publisher's context.
        let context = (phase != "filter").then(|| subscriber.context.bind(slf.py()));
        let _entered = context.and_then(|context| ContextGuard::enter(context).ok());
        let py = slf.py();
        let text = |text: &str| PyString::new(py, text).into_any();
        let (sid, name, phase) = (text(&subscriber.sid()), text(&subscriber.name), text(phase));
        let error = error.into_value(py).into_bound(py);
        let arguments = [slf.as_any(), &sid, &name, event, error.as_any(), &phase];
        match exits::call_method(intern!(py, "_report_failure"), arguments) {
            Err(failure) if ends_program(slf.py(), &failure) => return Err(failure),
            Err(failure) => failure.write_unraisable(slf.py(), Some(slf)),
            Ok(_) => {}
        }
        Ok(())
    }
}
