//! The seam between the bus's core and Python.

use pyo3::prelude::*;

mod error;
mod event_id;
mod topic;

/// The native part of `trading.events`; `_core.pyi` beside it is its documentation.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::event_id::new_event_id;
    #[pymodule_export]
    use super::topic::{check_event_type, check_exchange, check_symbol, compose_topic, matches, normalize_pattern};
}
