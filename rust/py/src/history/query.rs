//! The newest events of a bus, kept and queried.

use pyo3::prelude::*;
use pyo3::types::PyList;
use trading_events_core::queue::History;
use trading_events_core::routing::Interest;

use super::select::Selection;
use crate::bus::interest::kinds_of;
use crate::bus::native_bus::NativeBus;
use crate::codec::{CollectorPaused, packed};
use crate::event::filter;
use crate::runtime::exits::NativeCall;

#[pymethods]
impl NativeBus {
    /// Keeps the newest events, at most so many.
    fn _keep_history(&self, py: Python<'_>, events: usize) {
        self.lock(py).bus.history = Some(History::new(events));
    }

    /// The number of kept events, and the most that are kept; None without a history.
    #[getter]
    fn _history(&self, py: Python<'_>) -> Option<(usize, usize)> {
        self.lock(py).bus.history.as_ref().map(|history| (history.events().len(), history.capacity()))
    }

    /// The size of the packed events in bytes, and the number of events that are not packed.
    fn _weigh_history(&self, py: Python<'_>) -> (usize, usize) {
        let state = self.lock(py);
        state
            .bus
            .history
            .as_ref()
            .map_or((0, 0), |history| (history.events().size_bytes(), history.events().live_len()))
    }

    fn _clear_history(&self, py: Python<'_>) {
        let cleared = self.lock(py).bus.history.as_mut().map(History::clear);
        drop(cleared);
    }

    /// The newest kept events, at most `limit`, that match and have a time in `[start, end)`, in order of acceptance.
    fn _query_history<'py>(
        &self,
        py: Python<'py>,
        what: &Bound<'py, PyAny>,
        start: Option<&Bound<'py, PyAny>>,
        end: Option<&Bound<'py, PyAny>>,
        limit: Option<usize>,
    ) -> PyResult<Bound<'py, PyList>> {
        let _call = NativeCall::begin(py)?;
        let (kinds, ..) = kinds_of(what)?;
        let selection = Selection {
            interest: &Interest { selector: kinds, filter: None },
            leaves: &[],
            start_us: start.map(filter::microseconds).transpose()?,
            end_us: end.map(filter::microseconds).transpose()?,
            last_per_topic: false,
            limit: limit.unwrap_or(usize::MAX),
        };
        let kept = self.lock(py).kept(py);
        let _paused = CollectorPaused::new(py);
        let selected = selection.select(py, kept, &mut |_, error| Err(error))?;
        let events = PyList::empty(py);
        for kept in selected {
            events.append(packed::unpack(py, kept)?)?;
        }
        Ok(events)
    }
}
