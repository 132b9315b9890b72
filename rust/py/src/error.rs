//! The exceptions of `trading.events.errors`, which are defined in Python.

use std::io;

use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PySystemExit};
use pyo3::import_exception;
use pyo3::prelude::*;

import_exception!(trading.events.errors, BusClosedError);
import_exception!(trading.events.errors, EventDecodeError);
import_exception!(trading.events.errors, EventEncodeError);
import_exception!(trading.events.errors, ForkedBusError);
import_exception!(trading.events.errors, HandlerTypeError);
import_exception!(trading.events.errors, NotAnEventError);
import_exception!(trading.events.errors, PatternError);
import_exception!(trading.events.errors, QueueFullError);
import_exception!(trading.events.errors, ReentrancyError);
import_exception!(trading.events.errors, SubscriptionNotFoundError);
import_exception!(trading.events.errors, UnstorableEventError);
import_exception!(trading.events.errors, WrongLoopError);

/// An operating system error with its number, by which Python selects the class.
pub(crate) fn os_error(error: io::Error) -> PyErr {
    match error.raw_os_error() {
        Some(number) => {
            let text = error.to_string();
            let text = text.strip_suffix(&format!(" (os error {number})")).unwrap_or(&text);
            PyOSError::new_err((number, text.to_owned()))
        }
        None => error.into(),
    }
}

/// Tells if an exception ends the program, and not only a handler.
pub(crate) fn ends_program(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py)
}
