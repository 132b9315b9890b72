//! How events find their routes: by class alone, by the address of their names, or by their text.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::prelude::*;
use rustc_hash::FxBuildHasher;
use trading_events_core::bus::Accepted;
use trading_events_core::filter::TopicInfo;
use trading_events_core::routing::Route;

use crate::bus::{PythonBus, State};
use crate::event::{Kind, Name};
use crate::exits;
use crate::route_memo::Key;

/// The event classes that have been seen.
#[derive(Default)]
pub(crate) struct Classes {
    seen: Vec<Seen>,
    places: HashMap<usize, usize, FxBuildHasher>,
    /// The class that was asked for last, and its place: most events are of the class of the one before.
    last: (usize, usize),
}

impl Classes {
    #[inline]
    fn find(&mut self, identity: usize) -> Option<&mut Seen> {
        if self.last.0 != identity {
            self.last = (identity, *self.places.get(&identity)?);
        }
        self.seen.get_mut(self.last.1)
    }
}

/// An event class.
struct Seen {
    kind: Arc<Kind>,
    /// Where all its events go, if that depends on nothing else, as it was at this version of the routes.
    regardless: Option<Route>,
    version: Option<u64>,
}

impl State {
    pub(crate) fn kind(&mut self, identity: usize) -> Option<Arc<Kind>> {
        self.classes.find(identity).map(|seen| Arc::clone(&seen.kind))
    }

    pub(crate) fn learn(&mut self, identity: usize, kind: &Arc<Kind>) {
        let seen = Seen { kind: Arc::clone(kind), regardless: None, version: None };
        self.classes.places.insert(identity, self.classes.seen.len());
        self.classes.seen.push(seen);
    }

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
            seen.regardless = self.bus.class_route(&seen.kind.event_type, &seen.kind.lineage);
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
                && bus.try_publish_to_one(target, can_call, || event.clone().unbind(), accepted)
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
        let known = TopicInfo { event_type, lineage, exchange, symbol };
        let Some(route) = bus.cached_route(class, &known).map(Arc::clone) else { return Answer::NotPlain };
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
    if bus.try_publish(route, can_call, || event.clone().unbind(), accepted) {
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
