//! Decoding msgpack.

use pyo3::prelude::*;
use trading_events_core::codec::DecodeError;
use trading_events_core::codec::msgpack::MsgpackSource;

use super::class::{Class, class_of_type};
use super::read::read_event;
use super::read_error::ReadError;

/// The event in some bytes. Raises `EventDecodeError`.
pub(super) fn event_of<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut source = MsgpackSource::new(bytes);
    let event = read_next(py, &mut source)?;
    source.finish().map_err(ReadError::from).map_err(|error| error.into_error(py, 0))?;
    Ok(event)
}

/// The next event of a source.
pub(super) fn read_next<'py>(py: Python<'py>, source: &mut MsgpackSource<'_>) -> PyResult<Bound<'py, PyAny>> {
    let head = source.begin().map_err(|error| ReadError::from(error).into_error(py, 0))?;
    let class = class_of_type(py, head.event_type)?.ok_or_else(|| {
        let reason = format!(
            "no class here has the event type {:?}: import the module that defines it",
            head.event_type.chars().take(80).collect::<String>()
        );
        ReadError::from(DecodeError::new(head.offset, reason)).into_error(py, head.offset)
    })?;
    read_event(py, Class::of(&class)?, source, head.offset).map_err(|error| error.into_error(py, head.offset))
}
