//! How events find their routes: by class alone, by the address of their names, or by their text.

use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::admission::Accepted;
use trading_events_core::filter::Known;
use trading_events_core::route::Route;

use crate::bus::{PythonBus, State};
use crate::event::{Kind, Name};
use crate::route_memo::Key;

/// An event class that has been seen.
pub(crate) struct Seen {
    kind: Arc<Kind>,
    /// Where all its events go, if that depends on nothing else, as it was at this version of the routes.
    regardless: Option<Route>,
    version: Option<u64>,
}

impl State {
    pub(crate) fn kind(&self, identity: usize) -> Option<Arc<Kind>> {
        self.kinds.get(&identity).map(|seen| Arc::clone(&seen.kind))
    }

    pub(crate) fn learn(&mut self, identity: usize, kind: &Arc<Kind>) {
        let seen = Seen { kind: Arc::clone(kind), regardless: None, version: None };
        self.kinds.insert(identity, seen);
    }

    /// Publishes an event where all is plain and its class alone tells where it goes.
    pub(crate) fn accept_by_class(&mut self, event: &Bound<'_, PyAny>, accepted: &mut Accepted<Py<PyAny>>) -> Answer {
        let Some(can_call) = self.home.as_ref().map(|home| home.is_in_this_thread()) else { return Answer::NotPlain };
        let Some(seen) = self.kinds.get_mut(&class_of(event)) else { return Answer::NotPlain };
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
        let Self { bus, kinds, memo, home, .. } = self;
        let can_call = home.as_ref().is_some_and(|home| home.is_in_this_thread());
        let version = bus.routes_version();
        if let Some(route) = memo.find(Key::new(class, names), version) {
            return at_once(bus, route, can_call, event, accepted);
        }
        let [exchange, symbol] = names;
        let (Some(seen), Ok(exchange), Ok(symbol)) = (kinds.get(&class), exchange.text(), symbol.text()) else {
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

/// What became of a publish by class.
pub(crate) enum Answer {
    Accepted,
    /// Nothing has happened: the names are to be read, which may run code.
    NamesMatter,
    /// Nothing has happened.
    NotPlain,
}
