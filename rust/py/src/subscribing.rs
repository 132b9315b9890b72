//! Beginning and ending subscriptions.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};
use trading_events_core::bus::SubscribeOptions;
use trading_events_core::filter::Filter;
use trading_events_core::queue::Overflow;
use trading_events_core::routing::{Interest, Selector};
use trading_events_core::subscription::Delivery;

use crate::bus::NativeBus;
use crate::error::{ReentrancyError, SubscriptionNotFoundError};
use crate::event::{self, kind_identity};
use crate::exits::Call;
use crate::filter::Parts;
use crate::history::Start;
use crate::home;
use crate::run;
use crate::subscriber::Subscriber;
use crate::topic::{parse_pattern, pattern_text};

fn overflow_named(name: &str) -> PyResult<Overflow> {
    Overflow::named(name).map_err(|unknown| PyValueError::new_err(unknown.to_string()))
}

fn delivery_named(name: &str) -> PyResult<Delivery> {
    match name {
        "queued" => Ok(Delivery::Queued),
        "inline" => Ok(Delivery::Inline),
        _ => Err(PyValueError::new_err(format!("delivery is {name:?}; it may be 'queued' or 'inline'"))),
    }
}

/// What a subscription hears, in words, and the class where it is one.
pub(crate) fn kinds_of<'py>(what: &Bound<'py, PyAny>) -> PyResult<(Selector, String, Option<Bound<'py, PyType>>)> {
    if let Ok(text) = what.cast::<PyString>() {
        let pattern = parse_pattern(pattern_text(text)?)?;
        let words = pattern.to_string();
        return Ok((Selector::Matching(pattern), words, None));
    }
    match what.cast::<PyType>() {
        Ok(class) if class.is_subclass(event::base_event(what.py())?)? => {
            Ok((Selector::Class(kind_identity(class)?), class.qualname()?.to_string(), Some(class.clone())))
        }
        _ => Err(PyTypeError::new_err(format!("{} is neither a pattern nor an event class", what.repr()?))),
    }
}

/// A conjunction of conjunctions as one, so that each of its parts can shorten the way to the subscription.
fn flattened(filter: Filter<usize>) -> Filter<usize> {
    fn collect(filter: Filter<usize>, parts: &mut Vec<Filter<usize>>) {
        match filter {
            Filter::All(inner) => inner.into_iter().for_each(|part| collect(part, parts)),
            other => parts.push(other),
        }
    }
    let mut parts = Vec::new();
    collect(filter, &mut parts);
    if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) }
}

#[pymethods]
impl NativeBus {
    #[pyo3(signature = (what, handler, condition, /, *, capacity, overflow, delivery, on_gap, name, start=None, held=false))]
    #[expect(clippy::too_many_arguments, reason = "a subscription's own parameters, by keyword")]
    fn _subscribe(
        slf: &Bound<'_, Self>,
        what: &Bound<'_, PyAny>,
        handler: Bound<'_, PyAny>,
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
        let _call = Call::begin(py)?;
        if let Some(home) = this.home(py)?.filter(|home| !home.is_in_this_thread()) {
            home.check_running(py)?;
        }
        let (kinds, pattern, class) = kinds_of(what)?;
        let (overflow, delivery) = (overflow_named(overflow)?, delivery_named(delivery)?);
        let start = start.map(Start::of).transpose()?;
        let numbered = condition.map(Parts::of);
        let number = {
            let mut state = this.lock(py);
            state.last_number += 1;
            state.last_number
        };
        let context = home::handler_context(py, this.number, number)?;
        let (filter, leaves) = numbered.map_or((None, Vec::new()), |found| (Some(found.expression), found.leaves));
        let tells_gaps = on_gap.is_some();
        let subscriber = Arc::new(Subscriber {
            bus: this.number,
            number,
            name: name.unwrap_or_else(|| format!("sub-{}-{number}", this.number)),
            pattern,
            is_async: run::is_async(&handler)?,
            handler: handler.unbind(),
            on_gap: on_gap.map(Bound::unbind),
            leaves,
            class: class.map(Bound::unbind),
            context: context.unbind(),
        });
        let sid = subscriber.sid();
        let interest = Interest { selector: kinds, filter: filter.map(flattened) };
        let terms = SubscribeOptions { payload: subscriber, interest, capacity, overflow, tells_gaps, delivery };
        let (id, kept) = {
            let mut state = this.lock(py);
            let id = state.bus.subscribe(terms);
            state.by_number.insert(number, id);
            if held || start.is_some() {
                state.bus.pause(id);
            }
            let history = state.bus.history.as_ref().filter(|_| start.is_some());
            (id, history.map(|history| history.events().share(|event| event.clone_ref(py))))
        };
        if let Some(start) = start {
            Self::catch_up(slf, id, &start, kept.unwrap_or_default())?;
        }
        Ok(sid)
    }

    /// Has each subscription to come keep so many waiting events as they are, before more are packed. Returns how many it
    /// were before.
    fn _pack_beyond(&self, py: Python<'_>, events: usize) -> usize {
        std::mem::replace(&mut self.lock(py).bus.live_limit, events)
    }

    /// Ends a subscription; returns what to await where its last events are still to be handled.
    #[pyo3(signature = (sid, /, *, drain))]
    fn _unsubscribe<'py>(slf: &Bound<'py, Self>, sid: &str, drain: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, this) = (slf.py(), slf.get());
        let home = this.home_here(py)?;
        if drain && this.is_in_handler(py)? {
            return Err(ReentrancyError::new_err("a handler cannot wait for its own bus to handle what waits"));
        }
        let future = if drain { Some(home.new_future(py)?) } else { None };
        let discarded = {
            let mut state = this.lock(py);
            let prefix = format!("sub-{}-", this.number);
            let number = sid.strip_prefix(&prefix).and_then(|text| text.parse::<u64>().ok());
            let Some(number) =
                number.filter(|number| (1..=state.last_number).contains(number) && format!("{prefix}{number}") == sid)
            else {
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
        Self::rouse(slf)?;
        Ok(future.filter(|_| discarded.ended.is_none()))
    }
}
