//! How events find their routes: by class alone, by the address of their names, or by their text.

use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::admission::Accepted;
use trading_events_core::filter::Known;
use trading_events_core::route::Route;

use crate::bus::State;
use crate::event::{Kind, Name};

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
        if !self.home.as_ref().is_some_and(|home| home.is_in_this_thread()) {
            return Answer::NotPlain;
        }
        let Some(seen) = self.kinds.get_mut(&class_of(event)) else { return Answer::NotPlain };
        let version = self.bus.routes_version();
        if seen.version != Some(version) {
            seen.regardless = self.bus.route_regardless(&seen.kind.event_type, &seen.kind.lineage);
            seen.version = Some(version);
        }
        let Some(route) = &seen.regardless else { return Answer::NamesMatter };
        if self.bus.accept_at_once(route, || event.clone().unbind(), accepted) {
            Answer::Accepted
        } else {
            Answer::NotPlain
        }
    }

    /// Publishes an event where all is plain and its names tell where it goes. Says whether it was.
    pub(crate) fn accept_by_names(
        &mut self,
        event: &Bound<'_, PyAny>,
        (exchange, symbol): (&Name<'_>, &Name<'_>),
        accepted: &mut Accepted<Py<PyAny>>,
    ) -> bool {
        let class = class_of(event);
        let Self { bus, kinds, memo, .. } = self;
        let version = bus.routes_version();
        let copy = || event.clone().unbind();
        if let Some(route) = memo.find(class, exchange, symbol, version) {
            return bus.accept_at_once(route, copy, accepted);
        }
        let (Some(seen), Ok(exchange_text), Ok(symbol_text)) = (kinds.get(&class), exchange.text(), symbol.text())
        else {
            return false;
        };
        let known = Known {
            event_type: &seen.kind.event_type,
            lineage: &seen.kind.lineage,
            exchange: exchange_text,
            symbol: symbol_text,
        };
        let Some(route) = bus.recall(class, &known).map(Arc::clone) else { return false };
        memo.note(class, exchange, symbol, &route, version);
        bus.accept_at_once(&route, copy, accepted)
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
