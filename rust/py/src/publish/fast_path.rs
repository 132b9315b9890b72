//! The fast path of a publish, under one lock: the route is found by class, or by the addresses of the names.

use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::bus::Accepted;
use trading_events_core::filter::TopicInfo;
use trading_events_core::routing::Route;

use crate::bus::native_bus::NativeBus;
use crate::bus::state::{PythonBus, State};
use crate::event::names::{Name, names};
use crate::routing::memo::Key;
use crate::runtime::exits;

impl State {
    /// Enqueues an event whose class alone determines its route, if no slow path is needed.
    pub(crate) fn enqueue_by_class(
        &mut self,
        event: &Bound<'_, PyAny>,
        caller: Caller,
        accepted: &mut Accepted<Py<PyAny>>,
    ) -> FastResult {
        let Some(can_call) = self.event_loop.as_ref().map(|event_loop| event_loop.is_in_this_thread()) else {
            return FastResult::NotTaken;
        };
        if !can_call && (caller == Caller::Loop || exits::is_ending()) {
            return FastResult::NotTaken;
        }
        let Some(seen) = self.classes.find(class_of(event)) else { return FastResult::NotTaken };
        let version = self.bus.routes_version();
        if seen.version != Some(version) {
            seen.fixed_route = self.bus.class_route(&seen.kind.event_type, &seen.kind.lineage);
            seen.version = Some(version);
        }
        let Some(route) = &seen.fixed_route else { return FastResult::NeedsNames };
        enqueue_along(&mut self.bus, route, can_call, event, accepted)
    }

    /// Enqueues an event by its class and names, if no slow path is needed.
    pub(crate) fn enqueue_by_names(
        &mut self,
        event: &Bound<'_, PyAny>,
        names: [&Name<'_>; 2],
        accepted: &mut Accepted<Py<PyAny>>,
    ) -> FastResult {
        let class = class_of(event);
        let Self { bus, classes, memo, event_loop, .. } = self;
        let can_call = event_loop.as_ref().is_some_and(|event_loop| event_loop.is_in_this_thread());
        let version = bus.routes_version();
        if let Some(known) = memo.find(Key::new(class, names), version) {
            if let Some(target) = known.target
                && bus.try_publish_to_one(target, can_call, || event.clone().unbind(), accepted)
            {
                return FastResult::Accepted;
            }
            return enqueue_along(bus, &known.route, can_call, event, accepted);
        }
        let [exchange, symbol] = names;
        let (Some(seen), Ok(exchange), Ok(symbol)) = (classes.find(class), exchange.text(), symbol.text()) else {
            return FastResult::NotTaken;
        };
        let (event_type, lineage) = (&*seen.kind.event_type, &*seen.kind.lineage);
        let known = TopicInfo { event_type, lineage, exchange, symbol };
        let Some(route) = bus.cached_route(class, &known).map(Arc::clone) else { return FastResult::NotTaken };
        memo.note(class, names, &route, version);
        enqueue_along(bus, &route, can_call, event, accepted)
    }
}

/// Enqueues an event along its route, if no slow path is needed.
#[inline]
fn enqueue_along(
    bus: &mut PythonBus,
    route: &Route,
    can_call: bool,
    event: &Bound<'_, PyAny>,
    accepted: &mut Accepted<Py<PyAny>>,
) -> FastResult {
    if bus.try_publish(route, can_call, || event.clone().unbind(), accepted) {
        FastResult::Accepted
    } else {
        FastResult::NotTaken
    }
}

fn class_of(event: &Bound<'_, PyAny>) -> usize {
    event.get_type_ptr() as usize
}

/// The callers that a publish method allows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Callers in the thread of the bus's event loop.
    Loop,
    AnyThread,
}

/// The outcome of the fast path.
pub(crate) enum FastResult {
    Accepted,
    /// Nothing has happened: the names must be read first, which may run code.
    NeedsNames,
    /// Nothing has happened: the event takes the slow path.
    NotTaken,
}

impl NativeBus {
    /// Publishes an event on the fast path, as nearly all events are. Returns whether it was accepted.
    pub(crate) fn publish_fast(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>, caller: Caller) -> PyResult<bool> {
        let this = slf.get();
        this.check_process()?;
        let mut accepted = Accepted::default();
        let mut answer = this.lock(slf.py()).enqueue_by_class(event, caller, &mut accepted);
        if let FastResult::NeedsNames = answer
            && let Ok((exchange, symbol)) = names(event)
        {
            answer = this.lock(slf.py()).enqueue_by_names(event, [&exchange, &symbol], &mut accepted);
        }
        if !matches!(answer, FastResult::Accepted) {
            return Ok(false);
        }
        if !accepted.is_done() {
            Self::finish_publish(slf, event, accepted)?;
        }
        Ok(true)
    }
}
