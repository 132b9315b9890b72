//! The event classes that a bus has seen, with the routes that depend on the class alone.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use trading_events_core::routing::Route;

use crate::event::event_class::EventClass;

/// The event classes that a bus has seen.
#[derive(Default)]
pub(crate) struct Classes {
    seen: Vec<SeenClass>,
    places: HashMap<usize, usize, FxBuildHasher>,
    /// The last class looked up, and its index: most events are of the class of the one before.
    last: (usize, usize),
}

impl Classes {
    #[inline]
    pub(crate) fn find(&mut self, identity: usize) -> Option<&mut SeenClass> {
        if self.last.0 != identity {
            self.last = (identity, *self.places.get(&identity)?);
        }
        self.seen.get_mut(self.last.1)
    }

    pub(crate) fn kind(&mut self, identity: usize) -> Option<Arc<EventClass>> {
        self.find(identity).map(|seen| Arc::clone(&seen.kind))
    }

    pub(crate) fn learn(&mut self, identity: usize, kind: &Arc<EventClass>) {
        let seen = SeenClass { kind: Arc::clone(kind), fixed_route: None, version: None };
        self.places.insert(identity, self.seen.len());
        self.seen.push(seen);
    }
}

/// An event class that the bus has seen.
pub(crate) struct SeenClass {
    pub(crate) kind: Arc<EventClass>,
    /// The route of all its events, if that depends on the class alone, at this version of the routes.
    pub(crate) fixed_route: Option<Route>,
    pub(crate) version: Option<u64>,
}
