//! `publish`, `publish_nowait` and `publish_batch`.

use pyo3::prelude::*;
use pyo3::types::PyIterator;
use trading_events_core::bus::{Origin, WhenFull};

use super::attempt::Attempt;
use super::awaitable::{Done, Publishing, count_published};
use super::fast_path::Caller;
use super::pending::Outcome;
use crate::bus::native_bus::NativeBus;

#[pymethods]
impl NativeBus {
    /// Hands an event to every matching subscription, at once where there is room. See `IEventBus.publish`.
    #[pyo3(signature = (event))]
    fn publish(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        if Self::publish_fast(slf, event, Caller::Loop)? {
            return Done::shared(py);
        }
        if !Self::is_in_event_loop(slf)? {
            return Publishing::from_elsewhere(slf, event);
        }
        match Self::begin_publish(slf, event, WhenFull::Wait, Origin::Publisher)? {
            Outcome::Accepted => Done::shared(py),
            pending => Publishing::after(slf, pending),
        }
    }

    /// Hands an event to every matching subscription, from any thread, without waiting.
    #[pyo3(signature = (event))]
    fn publish_nowait(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        if Self::publish_fast(slf, event, Caller::AnyThread)? {
            return Ok(());
        }
        Self::begin_publish(slf, event, WhenFull::Fail, Origin::Publisher).map(drop)
    }

    /// Publishes events one after the other. See `IEventBus.publish_batch`.
    #[pyo3(signature = (events))]
    fn publish_batch(slf: &Bound<'_, Self>, events: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let events = events.try_iter().map_err(|error| count_published(py, error, 0))?;
        if !Self::is_in_event_loop(slf)? {
            return Publishing::batch(slf, events, 0, None);
        }
        let mut published = 0;
        match Self::begin_publish_batch(slf, &events, &mut published)? {
            None => Done::shared(py),
            Some(pending) => Publishing::batch(slf, events, published, Some(Attempt::after(pending))),
        }
    }

    /// Publishes a failure report of the bus itself: without waiting, and also while the bus closes.
    #[pyo3(signature = (event, /))]
    fn _publish_own(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::begin_publish(slf, event, WhenFull::Exceed, Origin::Bus).map(drop)
    }
}

impl NativeBus {
    /// Tells if the caller is in the bus's event loop. A bus without a loop is bound to that of its first caller.
    pub(crate) fn is_in_event_loop(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let event_loop = slf.get().lock(slf.py()).event_loop.clone();
        let event_loop = if event_loop.is_some() { event_loop } else { slf.get().event_loop(slf.py())? };
        match event_loop {
            Some(event_loop) => Ok(event_loop.is_in_this_thread() || event_loop.is_running_here(slf.py())?),
            None => Ok(false),
        }
    }

    /// Publishes events as far as is possible at once, and counts them. Returns the first one that has to wait.
    pub(crate) fn begin_publish_batch(
        slf: &Bound<'_, Self>,
        events: &Bound<'_, PyIterator>,
        published: &mut usize,
    ) -> PyResult<Option<Outcome>> {
        let begin = |event: PyResult<Bound<'_, PyAny>>| {
            let event = event?;
            if Self::publish_fast(slf, &event, Caller::Loop)? {
                return Ok(Outcome::Accepted);
            }
            Self::begin_publish(slf, &event, WhenFull::Wait, Origin::Publisher)
        };
        for event in events.clone() {
            match begin(event) {
                Ok(Outcome::Accepted) => *published += 1,
                Ok(pending) => return Ok(Some(pending)),
                Err(error) => return Err(count_published(slf.py(), error, *published)),
            }
        }
        Ok(None)
    }
}
