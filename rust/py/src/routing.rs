//! How events find their routes: by class alone, by the address of their names, or by their text.

use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::admission::Accepted;
use trading_events_core::filter::Known;
use trading_events_core::route::Route;

use crate::bus::State;
use crate::event::{self, Kind};

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

    /// Publishes an event where all is plain; the way of nearly all events. Says whether it was.
    pub(crate) fn accept_at_once(&mut self, event: &Bound<'_, PyAny>, accepted: &mut Accepted<Py<PyAny>>) -> bool {
        if !self.home.as_ref().is_some_and(|home| home.is_in_this_thread()) {
            return false;
        }
        let identity = event.get_type().as_ptr() as usize;
        let Self { bus, kinds, memo, .. } = self;
        let Some(seen) = kinds.get_mut(&identity) else { return false };
        let version = bus.routes_version();
        if seen.version != Some(version) {
            seen.regardless = bus.route_regardless(&seen.kind.event_type, &seen.kind.lineage);
            seen.version = Some(version);
        }
        let copy = || event.clone().unbind();
        if let Some(route) = &seen.regardless {
            return bus.accept_at_once(route, copy, accepted);
        }
        let Ok((exchange, symbol)) = event::names(event) else { return false };
        if let Some(route) = memo.find(identity, &exchange, &symbol, version) {
            return bus.accept_at_once(route, copy, accepted);
        }
        let (Ok(exchange_text), Ok(symbol_text)) = (exchange.text(), symbol.text()) else { return false };
        let known = Known {
            event_type: &seen.kind.event_type,
            lineage: &seen.kind.lineage,
            exchange: exchange_text,
            symbol: symbol_text,
        };
        let Some(route) = bus.recall(identity, &known).map(Arc::clone) else { return false };
        memo.note(identity, &exchange, &symbol, &route, version);
        bus.accept_at_once(&route, copy, accepted)
    }
}
