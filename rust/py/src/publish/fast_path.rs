//! The short way of an event, under one lock: its route is found by its class, or by the address of its names.

use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::admission::Accepted;
use trading_events_core::filter::Known;
use trading_events_core::route::Route;

use crate::bus::native_bus::NativeBus;
use crate::bus::state::{PythonBus, State};
use crate::event::names::{Name, names};
use crate::routing::memo::Key;
use crate::runtime::exits;

impl State {
    /// Publishes an event where all is plain and its class alone tells where it goes.
    pub(crate) fn accept_by_class(
        &mut self,
        event: &Bound<'_, PyAny>,
        from: Whence,
        accepted: &mut Accepted<Py<PyAny>>,
    ) -> Answer {
        let Some(can_call) = self.home.as_ref().map(|home| home.is_in_this_thread()) else { return Answer::NotPlain };
        if !can_call && (from == Whence::Loop || exits::is_ending()) {
            return Answer::NotPlain;
        }
        let Some(seen) = self.classes.find(class_of(event)) else { return Answer::NotPlain };
        let version = self.bus.routes_version();
        if seen.version != Some(version) {
            seen.regardless = self.bus.route_regardless(&seen.kind.event_type, &seen.kind.lineage);
            seen.version = Some(version);
        }
        let Some(route) = &seen.regardless else { return Answer::NamesMatter };
        at_once(&mut self.bus, route, can_call, event, accepted)
    }

    /// Publishes an event where all is plain and its names tell where it goes.
    pub(crate) fn accept_by_names(
        &mut self,
        event: &Bound<'_, PyAny>,
        names: [&Name<'_>; 2],
        accepted: &mut Accepted<Py<PyAny>>,
    ) -> Answer {
        let class = class_of(event);
        let Self { bus, classes, memo, home, .. } = self;
        let can_call = home.as_ref().is_some_and(|home| home.is_in_this_thread());
        let version = bus.routes_version();
        if let Some(known) = memo.find(Key::new(class, names), version) {
            if let Some(target) = known.target
                && bus.accept_by_one(target, can_call, || event.clone().unbind(), accepted)
            {
                return Answer::Accepted;
            }
            return at_once(bus, &known.route, can_call, event, accepted);
        }
        let [exchange, symbol] = names;
        let (Some(seen), Ok(exchange), Ok(symbol)) = (classes.find(class), exchange.text(), symbol.text()) else {
            return Answer::NotPlain;
        };
        let (event_type, lineage) = (&*seen.kind.event_type, &*seen.kind.lineage);
        let known = Known { event_type, lineage, exchange, symbol };
        let Some(route) = bus.recall(class, &known).map(Arc::clone) else { return Answer::NotPlain };
        memo.note(class, names, &route, version);
        at_once(bus, &route, can_call, event, accepted)
    }
}

/// Publishes an event along its route, where all is plain.
#[inline]
fn at_once(
    bus: &mut PythonBus,
    route: &Route,
    can_call: bool,
    event: &Bound<'_, PyAny>,
    accepted: &mut Accepted<Py<PyAny>>,
) -> Answer {
    if bus.accept_at_once(route, can_call, || event.clone().unbind(), accepted) {
        Answer::Accepted
    } else {
        Answer::NotPlain
    }
}

fn class_of(event: &Bound<'_, PyAny>) -> usize {
    event.get_type_ptr() as usize
}

/// From where events may be published.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whence {
    /// From the thread of the bus's loop.
    Loop,
    AnyThread,
}

/// What became of a publish by class.
pub(crate) enum Answer {
    Accepted,
    /// Nothing has happened: the names are to be read, which may run code.
    NamesMatter,
    /// Nothing has happened.
    NotPlain,
}

impl NativeBus {
    /// Publishes an event where all is plain, under one lock; the way of nearly all events. Says whether it was.
    pub(crate) fn accept_at_once(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>, from: Whence) -> PyResult<bool> {
        let this = slf.get();
        this.check_process()?;
        let mut accepted = Accepted::default();
        let mut answer = this.lock(slf.py()).accept_by_class(event, from, &mut accepted);
        if let Answer::NamesMatter = answer
            && let Ok((exchange, symbol)) = names(event)
        {
            answer = this.lock(slf.py()).accept_by_names(event, [&exchange, &symbol], &mut accepted);
        }
        if !matches!(answer, Answer::Accepted) {
            return Ok(false);
        }
        if !accepted.is_settled() {
            Self::conclude(slf, event, accepted)?;
        }
        Ok(true)
    }
}
