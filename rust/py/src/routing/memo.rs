//! A cache of routes by the addresses of class, exchange and symbol.

use std::hash::BuildHasher;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;
use rustc_hash::FxBuildHasher;
use trading_events_core::routing::{Route, SubscriptionId};

use crate::event::names::Name;

/// The key of a route: the addresses of the event's class, exchange and symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([usize; 3]);

impl Key {
    pub(crate) fn new(class: usize, [exchange, symbol]: [&Name<'_>; 2]) -> Self {
        Self([class, exchange.address(), symbol.address()])
    }
}

/// A cached route. It fills one cache line, so that a lookup fetches one.
#[repr(align(64))]
pub(crate) struct Entry {
    class: usize,
    /// Held so that no other text gets their addresses.
    exchange: Option<Py<PyString>>,
    symbol: Option<Py<PyString>>,
    pub(crate) route: Arc<Route>,
    /// The only target of the route, if it has one without conditions, as most instruments do.
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

/// A hash table by address. A feed names its instruments by the same objects, event after event, and comparing
/// addresses takes a fifth of the time of hashing and comparing texts. It grows with the instruments in use. Routes
/// that are not in it are looked up by text.
#[derive(Default)]
pub(crate) struct RouteMemo {
    /// Their number is a power of two.
    entries: Vec<Option<Entry>>,
    /// The number of routes that found all their slots taken since the table last grew or replaced one.
    passed_over: usize,
}

impl RouteMemo {
    const PLACES_AT_FIRST: usize = 1 << 10;
    /// The largest table takes 16 MB. With more instruments at once, some are looked up by text.
    const MOST_PLACES: usize = 1 << 18;
    /// The number of adjacent slots that a route may use.
    const PROBES: usize = 4;
    /// A full table replaces an entry once in so many misses: entries that replace each other cost more than they gain.
    const RELUCTANCE: usize = 32;

    /// The slots that a key may use.
    fn places(&self, key: Key) -> impl Iterator<Item = usize> + use<> {
        let mask = self.entries.len().wrapping_sub(1);
        let first = usize::try_from(FxBuildHasher.hash_one(key)).unwrap_or_default();
        (0..Self::PROBES.min(self.entries.len())).map(move |probe| first.wrapping_add(probe) & mask)
    }

    /// The entry of a key, if it belongs to this version of the routes.
    pub(crate) fn find(&self, key: Key, version: u64) -> Option<&Entry> {
        let mut entries = self.places(key).map_while(|place| self.entries[place].as_ref());
        let entry = entries.find(|entry| entry.key() == key)?;
        (entry.version == version).then_some(entry)
    }

    /// Caches a route, unless one of the texts was made for this event alone and never comes again.
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

    /// Stores an entry in a free slot, its own, or that of an outdated entry; else returns it.
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
