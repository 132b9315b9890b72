//! Inline handlers, called by the publisher.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use trading_events_core::routing::SubscriptionId;
use trading_events_core::subscription::End;

use crate::bus::native_bus::NativeBus;
use crate::codec::packed;
use crate::error::ends_program;
use crate::runtime::drive::{self, Progress};
use crate::runtime::returned;

impl NativeBus {
    /// Calls the inline handlers of subscriptions, with one event each. After an exception that ends the program the
    /// rest is left to the workers.
    pub(crate) fn call_inline(slf: &Bound<'_, Self>, calls: &[SubscriptionId]) -> PyResult<()> {
        let mut fatal = None;
        for id in calls {
            if fatal.is_none() {
                fatal = Self::call_one_inline(slf, *id).err();
            }
            slf.get().lock(slf.py()).bus.release(*id);
        }
        let has_left = !calls.is_empty() && slf.get().lock(slf.py()).bus.has_ready();
        if has_left && let Err(error) = Self::ensure_worker(slf) {
            return Err(fatal.unwrap_or(error));
        }
        fatal.map_or(Ok(()), Err)
    }

    fn call_one_inline(slf: &Bound<'_, Self>, id: SubscriptionId) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let (event, subscriber) = {
            let mut state = this.lock(py);
            // An earlier handler may have ended the subscription, or published an event that replaced this one.
            let Some(event) = state.bus.take_inline(id) else { return Ok(()) };
            let Some(found) = state.bus.subscriptions().get(id) else { return Ok(()) };
            (event, Arc::clone(&found.payload))
        };
        let unpacked = packed::unpack(py, event);
        let event = unpacked.as_ref().map_or_else(|_| py.None().into_bound(py), Bound::clone);
        let progress = match unpacked {
            Ok(event) => drive::call(subscriber.context.bind(py), subscriber.handler.bind(py), &event),
            Err(error) => Progress::Raised(error),
        };
        let (end, raised) = match progress {
            Progress::Returned => (End::Handled, None),
            Progress::Raised(error) => (End::Failed, Some(error)),
            Progress::Suspended(result) => {
                let text = format!("an inline handler is a plain function; {} returned {result}", subscriber.name);
                returned::discard(&result);
                (End::Failed, Some(PyTypeError::new_err(text)))
            }
        };
        let ended = this.lock(py).bus.finish(id, end);
        let reported = match raised {
            Some(error) if ends_program(py, &error) => Err(error),
            Some(error) => Self::report(slf, &subscriber, &event, error, "handler"),
            None => Ok(()),
        };
        if this.lock(py).has_to_wake(&ended) {
            this.wake_waiters(py, ended.retired.as_deref())?;
        }
        reported
    }
}
