//! The overflow policies and deliveries, by their public names.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use trading_events_core::queue::Overflow;
use trading_events_core::subscription::Delivery;

pub(crate) fn overflow_named(name: &str) -> PyResult<Overflow> {
    Overflow::named(name).map_err(|unknown| PyValueError::new_err(unknown.to_string()))
}

pub(crate) fn delivery_named(name: &str) -> PyResult<Delivery> {
    match name {
        "queued" => Ok(Delivery::Queued),
        "inline" => Ok(Delivery::Inline),
        _ => Err(PyValueError::new_err(format!("delivery is {name:?}; it may be 'queued' or 'inline'"))),
    }
}
