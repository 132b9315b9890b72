//! Subscribing and unsubscribing.

use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::bus::SubscribeOptions;
use trading_events_core::routing::Interest;

use super::policies::{delivery_named, overflow_named};
use crate::bus::interest::{flattened, kinds_of};
use crate::bus::native_bus::NativeBus;
use crate::bus::subscriber::{Subscriber, sid_of};
use crate::error::{ReentrancyError, SubscriptionNotFoundError};
use crate::event::filter::FilterParts;
use crate::history::preload::Start;
use crate::runtime::exits::NativeCall;
use crate::runtime::handler_context::handler_context;
use crate::runtime::returned::is_async;

#[pymethods]
impl NativeBus {
    #[pyo3(signature = (what, handler, condition, /, *, capacity, overflow, delivery, on_gap, name, start=None, held=false))]
    #[expect(clippy::too_many_arguments, reason = "a subscription's own parameters, by keyword")]
    fn _subscribe(
        slf: &Bound<'_, Self>,
        what: &Bound<'_, PyAny>,
        handler: &Bound<'_, PyAny>,
        condition: Option<&Bound<'_, PyAny>>,
        capacity: usize,
        overflow: &str,
        delivery: &str,
        on_gap: Option<Bound<'_, PyAny>>,
        name: Option<String>,
        start: Option<&Bound<'_, PyAny>>,
        held: bool,
    ) -> PyResult<String> {
        let (py, this) = (slf.py(), slf.get());
        this.check_process()?;
        let _call = NativeCall::begin(py)?;
        this.check_thread(py)?;
        let (kinds, pattern, class) = kinds_of(what)?;
        let (overflow, delivery) = (overflow_named(overflow)?, delivery_named(delivery)?);
        let start = start.map(Start::of).transpose()?;
        let number = this.lock(py).new_number();
        let (filter, leaves) =
            condition.map(FilterParts::of).map_or((None, Vec::new()), |found| (Some(found.expression), found.leaves));
        let subscriber = Arc::new(Subscriber {
            handler: handler.clone().unbind(),
            context: handler_context(py, this.number, number)?.unbind(),
            bus: this.number,
            number,
            is_async: is_async(handler)?,
            name: name.unwrap_or_else(|| sid_of(this.number, number)),
            pattern,
            on_gap: on_gap.map(Bound::unbind),
            leaves,
            class: class.map(Bound::unbind),
        });
        let interest = Interest { selector: kinds, filter: filter.map(flattened) };
        let tells_gaps = subscriber.on_gap.is_some();
        let terms = SubscribeOptions { payload: subscriber, interest, capacity, overflow, tells_gaps, delivery };
        Self::enter(slf, number, terms, start, held)?;
        Ok(sid_of(this.number, number))
    }

    /// Sets the number of waiting events of each later subscription that are not packed. Returns the former number.
    fn _pack_beyond(&self, py: Python<'_>, events: usize) -> usize {
        std::mem::replace(&mut self.lock(py).bus.live_limit, events)
    }

    /// Ends a subscription. Returns a future if its last events are still to be handled.
    #[pyo3(signature = (sid, /, *, drain))]
    fn _unsubscribe<'py>(slf: &Bound<'py, Self>, sid: &str, drain: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, this) = (slf.py(), slf.get());
        let event_loop = this.event_loop_here(py)?;
        if drain && this.is_in_handler(py)? {
            return Err(ReentrancyError::new_err("a handler cannot wait for its own bus to handle what waits"));
        }
        let future = if drain { Some(event_loop.new_future(py)?) } else { None };
        let discarded = {
            let mut state = this.lock(py);
            let number = this.number_of(sid).filter(|number| (1..=state.last_number).contains(number));
            let Some(number) = number else {
                return Err(SubscriptionNotFoundError::new_err(format!("no subscription {sid:?} on this bus")));
            };
            let Some(id) = state.by_number.get(&number).copied() else { return Ok(None) };
            let discarded = state.bus.unsubscribe(id, drain);
            if let (None, Some(future)) = (&discarded.ended, &future) {
                state.end_waiters.entry(number).or_default().push(future.clone().unbind());
            }
            discarded
        };
        this.wake_waiters(py, discarded.ended.as_deref())?;
        Self::ensure_worker(slf)?;
        Ok(future.filter(|_| discarded.ended.is_none()))
    }
}

impl NativeBus {
    /// Refuses callers in another thread than that of the bus's event loop.
    fn check_thread(&self, py: Python<'_>) -> PyResult<()> {
        match self.event_loop(py)?.filter(|event_loop| !event_loop.is_in_this_thread()) {
            Some(event_loop) => event_loop.check_running(py),
            None => Ok(()),
        }
    }

    /// Begins a subscription, preloaded with the earlier events that it starts with.
    fn enter(
        slf: &Bound<'_, Self>,
        number: u64,
        terms: SubscribeOptions<Arc<Subscriber>>,
        start: Option<Start>,
        held: bool,
    ) -> PyResult<()> {
        let mut state = slf.get().lock(slf.py());
        let Some(start) = start else {
            state.enter(number, terms, held);
            return Ok(());
        };
        let id = state.enter(number, terms, true);
        let kept = state.kept(slf.py());
        drop(state);
        Self::catch_up(slf, id, &start, kept)
    }
}
