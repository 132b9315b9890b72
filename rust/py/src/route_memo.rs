//! The routes of events whose exchange and symbol are the same Python objects as those of an event before.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;
use trading_events_core::route::Route;

use crate::event::Name;

struct Entry {
    class: usize,
    /// Kept, so that no other text gets their addresses.
    exchange: Option<Py<PyString>>,
    symbol: Option<Py<PyString>>,
    route: Arc<Route>,
    /// The version of the routes that it belongs to.
    version: u64,
}

/// A small table by address: a feed names its instruments by the same few objects, event after event, and comparing
/// addresses takes a fifth of what hashing and comparing texts does. What is not found here is looked up by text.
#[derive(Default)]
pub(crate) struct RouteMemo {
    entries: Vec<Option<Entry>>,
    /// How many routes have not been noted since one last was, because their place was taken.
    passed_over: u32,
}

impl RouteMemo {
    /// A power of two. With more instruments at once most are looked up by text.
    const PLACES: usize = 1024;
    /// A place that is taken changes hands once in so many times: to push out what will be pushed back costs more than it
    /// gains.
    const RELUCTANCE: u32 = 32;

    fn place(class: usize, exchange: &Name<'_>, symbol: &Name<'_>) -> usize {
        let mixed = (symbol.address() >> 4) ^ (exchange.address() >> 7) ^ (class >> 5);
        (mixed ^ (mixed >> 10)) & (Self::PLACES - 1)
    }

    /// The route of such an event, unless subscriptions have changed since.
    pub(crate) fn find(&self, class: usize, exchange: &Name<'_>, symbol: &Name<'_>, version: u64) -> Option<&Route> {
        let entry = self.entries.get(Self::place(class, exchange, symbol))?.as_ref()?;
        let is_same = entry.class == class && exchange.is(entry.exchange.as_ref()) && symbol.is(entry.symbol.as_ref());
        (is_same && entry.version == version).then_some(&*entry.route)
    }

    /// Notes a route, if others too hold these texts: one that was made for this event alone never comes again.
    pub(crate) fn note(
        &mut self,
        class: usize,
        exchange: &Name<'_>,
        symbol: &Name<'_>,
        route: &Arc<Route>,
        version: u64,
    ) {
        if !exchange.is_shared() || !symbol.is_shared() {
            return;
        }
        self.entries.resize_with(Self::PLACES, || None);
        let place = Self::place(class, exchange, symbol);
        let is_taken = self.entries[place].as_ref().is_some_and(|entry| entry.version == version);
        if is_taken && self.passed_over < Self::RELUCTANCE {
            self.passed_over += 1;
            return;
        }
        self.passed_over = 0;
        let (exchange_text, symbol_text) = (exchange.kept(), symbol.kept());
        let entry = Entry { class, exchange: exchange_text, symbol: symbol_text, route: Arc::clone(route), version };
        self.entries[place] = Some(entry);
    }
}
