//! The routes of events whose exchange and symbol are the same Python objects as those of an event before.

use std::hash::BuildHasher;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;
use rustc_hash::FxBuildHasher;
use trading_events_core::routing::{Route, SubscriptionId};

use crate::event::names::Name;

/// What a route is found by: the addresses of the event's class, exchange and symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([usize; 3]);

impl Key {
    pub(crate) fn new(class: usize, [exchange, symbol]: [&Name<'_>; 2]) -> Self {
        Self([class, exchange.address(), symbol.address()])
    }
}

/// As large as a line of the processor's cache, so that to look one up is to fetch one.
#[repr(align(64))]
pub(crate) struct Entry {
    class: usize,
    /// The texts are kept, so that no others get their addresses.
    exchange: Option<Py<PyString>>,
    symbol: Option<Py<PyString>>,
    pub(crate) route: Arc<Route>,
    /// The only target of the route, if it has no more and no conditions: most instruments have one.
    pub(crate) target: Option<SubscriptionId>,
    /// The version of the routes that it belongs to.
    version: u64,
}

impl Entry {
    fn key(&self) -> Key {
        let address = |text: &Option<Py<PyString>>| text.as_ref().map_or(0, |text| text.as_ptr() as usize);
        Key([self.class, address(&self.exchange), address(&self.symbol)])
    }
}

/// A table by address: a feed names its instruments by the same objects, event after event, and comparing addresses takes
/// a fifth of what hashing and comparing texts does. It grows with the instruments that are in use. What is not found
/// here is looked up by text.
#[derive(Default)]
pub(crate) struct RouteMemo {
    /// As many as a power of two.
    entries: Vec<Option<Entry>>,
    /// How many routes found all their places taken, since the table last changed for one.
    passed_over: usize,
}

impl RouteMemo {
    const PLACES_AT_FIRST: usize = 1 << 10;
    /// They take 16 MB. With more instruments at once, some are looked up by text.
    const MOST_PLACES: usize = 1 << 18;
    /// In how many places, one after the other, a route may stand.
    const PROBES: usize = 4;
    /// What finds all its places taken is let in once in so many times: to push out what will be pushed back costs more
    /// than it gains.
    const RELUCTANCE: usize = 32;

    /// The places where such a route may stand.
    fn places(&self, key: Key) -> impl Iterator<Item = usize> + use<> {
        let mask = self.entries.len().wrapping_sub(1);
        let first = usize::try_from(FxBuildHasher.hash_one(key)).unwrap_or_default();
        (0..Self::PROBES.min(self.entries.len())).map(move |probe| first.wrapping_add(probe) & mask)
    }

    /// The route of such an event, unless subscriptions have changed since.
    pub(crate) fn find(&self, key: Key, version: u64) -> Option<&Entry> {
        let mut entries = self.places(key).map_while(|place| self.entries[place].as_ref());
        let entry = entries.find(|entry| entry.key() == key)?;
        (entry.version == version).then_some(entry)
    }

    /// Notes a route, if others too hold these texts: one that was made for this event alone never comes again.
    pub(crate) fn note(&mut self, class: usize, names: [&Name<'_>; 2], route: &Arc<Route>, version: u64) {
        if !names.iter().all(|name| name.is_shared()) {
            return;
        }
        let [exchange, symbol] = names.map(Name::kept);
        let target = match route.unconditional() {
            Some([target]) => Some(*target),
            _ => None,
        };
        let entry = Entry { class, exchange, symbol, route: Arc::clone(route), target, version };
        let Err(entry) = self.put(entry) else { return };
        self.passed_over += 1;
        if self.entries.len() < Self::MOST_PLACES && self.passed_over > self.entries.len() / Self::RELUCTANCE {
            self.grow(version);
        } else if self.entries.len() == Self::MOST_PLACES && self.passed_over > Self::RELUCTANCE {
            self.passed_over = 0;
            let place = self.places(entry.key()).next();
            place.map(|place| self.entries[place].replace(entry));
        }
    }

    /// Gives an entry a place that is free, its own, or that of one that holds no longer; or else gives it back.
    fn put(&mut self, entry: Entry) -> Result<(), Entry> {
        let key = entry.key();
        let is_open = |former: &Entry| former.version != entry.version || former.key() == key;
        let place = self.places(key).find(|place| self.entries[*place].as_ref().is_none_or(is_open));
        let Some(place) = place else { return Err(entry) };
        self.entries[place] = Some(entry);
        Ok(())
    }

    fn grow(&mut self, version: u64) {
        self.passed_over = 0;
        let places = (self.entries.len() * 2).max(Self::PLACES_AT_FIRST);
        let former = std::mem::take(&mut self.entries);
        self.entries.resize_with(places, || None);
        for entry in former.into_iter().flatten().filter(|entry| entry.version == version) {
            drop(self.put(entry));
        }
    }
}
