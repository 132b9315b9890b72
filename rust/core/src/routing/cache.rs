//! The registry's recent answers.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::route::Route;
use crate::filter::TopicInfo;
use crate::topic::NONE;

/// Answers that are stale.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stale<'a> {
    /// Those for one symbol.
    Symbol(&'a str),
    /// Those for one event type.
    EventType(&'a str),
    /// All.
    All,
}

/// Counts of changes, by which an answer can tell whether it still holds. Symbols share counters, and so do event
/// types: a change may make a few more answers stale than necessary, and its cost does not depend on their number.
#[derive(Debug)]
struct Changes {
    all: u64,
    event_types: Box<[u64]>,
    symbols: Box<[u64]>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { all: 0, event_types: vec![0; 64].into(), symbols: vec![0; 4096].into() }
    }
}

/// Counters that an answer depends on.
#[derive(Debug, Clone, Copy)]
struct Counters {
    event_type: u16,
    symbol: u16,
}

fn counter(counters: &[u64], text: &str) -> u16 {
    let place = FxBuildHasher.hash_one(text) % counters.len() as u64;
    u16::try_from(place).expect("there are fewer counters")
}

impl Changes {
    fn note(&mut self, stale: Stale<'_>) {
        match stale {
            Stale::Symbol(text) => self.symbols[usize::from(counter(&self.symbols, text))] += 1,
            Stale::EventType(text) => self.event_types[usize::from(counter(&self.event_types, text))] += 1,
            Stale::All => self.all += 1,
        }
    }

    fn counters(&self, info: &TopicInfo<'_>) -> Counters {
        Counters {
            event_type: counter(&self.event_types, info.event_type),
            symbol: counter(&self.symbols, info.symbol.unwrap_or(NONE)),
        }
    }

    /// The sum of all changes that matter; it only grows.
    fn sum(&self, of: Counters) -> u64 {
        self.all + self.event_types[usize::from(of.event_type)] + self.symbols[usize::from(of.symbol)]
    }
}

#[derive(Debug)]
struct Entry {
    class: usize,
    /// Offsets of exchange and symbol in the topic, from which they are read.
    names_at: (u32, u32),
    counters: Counters,
    changes: u64,
    route: Arc<Route>,
}

/// Exchange and symbol as they are written in a topic.
fn names<'a>(info: &TopicInfo<'a>) -> (&'a str, &'a str) {
    (info.exchange.unwrap_or(NONE), info.symbol.unwrap_or(NONE))
}

impl Entry {
    fn names(&self) -> (&str, &str) {
        let (exchange_at, symbol_at) = (self.names_at.0 as usize, self.names_at.1 as usize);
        (&self.route.topic[exchange_at..symbol_at - 1], &self.route.topic[symbol_at..])
    }

    fn is(&self, class: usize, info: &TopicInfo<'_>) -> bool {
        self.class == class && self.names() == names(info)
    }

    fn hash(&self) -> u64 {
        hash(self.class, self.names())
    }
}

fn hash(class: usize, names: (&str, &str)) -> u64 {
    FxBuildHasher.hash_one((class, names))
}

/// Offsets of the names in a topic; `None` if it is too long for the cache.
fn names_at(route: &Route, info: &TopicInfo<'_>) -> Option<(u32, u32)> {
    let symbol_at = route.topic.len() - names(info).1.len();
    let exchange_at = symbol_at - 1 - names(info).0.len();
    Some((u32::try_from(exchange_at).ok()?, u32::try_from(symbol_at).ok()?))
}

/// The most recent routes, in two generations: a full young generation becomes the old one, and the old one is dropped.
/// A route that is asked for again moves back to the young.
#[derive(Debug, Default)]
pub(crate) struct RouteCache {
    young: HashTable<Entry>,
    old: HashTable<Entry>,
    changes: Changes,
}

impl RouteCache {
    /// Greatest number of routes in a generation. A route to one subscription takes about 250 bytes, so that both
    /// generations stay under 80 MB.
    const GENERATION: usize = 1 << 17;

    /// Makes answers stale, at once and without touching them.
    pub(crate) fn invalidate(&mut self, stale: Stale<'_>) {
        self.changes.note(stale);
    }

    fn holds(&self, entry: &Entry) -> bool {
        entry.changes == self.changes.sum(entry.counters)
    }

    /// The route, if it is in the young generation; unlike [`RouteCache::get`] it moves nothing.
    pub(crate) fn peek(&self, class: usize, info: &TopicInfo<'_>) -> Option<&Arc<Route>> {
        let hash = hash(class, names(info));
        let entry = self.young.find(hash, |entry| entry.is(class, info))?;
        self.holds(entry).then_some(&entry.route)
    }

    pub(crate) fn get(&mut self, class: usize, info: &TopicInfo<'_>) -> Option<Arc<Route>> {
        let hash = hash(class, names(info));
        let same = |entry: &Entry| entry.is(class, info);
        if let Some(entry) = self.young.find(hash, same) {
            return self.holds(entry).then(|| Arc::clone(&entry.route));
        }
        let entry = self.old.find_entry(hash, same).ok()?.remove().0;
        let route = self.holds(&entry).then(|| Arc::clone(&entry.route));
        self.insert(hash, entry);
        route
    }

    pub(crate) fn put(&mut self, class: usize, info: &TopicInfo<'_>, route: &Arc<Route>) {
        let hash = hash(class, names(info));
        let counters = self.changes.counters(info);
        let changes = self.changes.sum(counters);
        if let Some(entry) = self.young.find_mut(hash, |entry| entry.is(class, info)) {
            entry.changes = changes;
            entry.route = Arc::clone(route);
            return;
        }
        if let Some(names_at) = names_at(route, info) {
            self.insert(hash, Entry { class, names_at, counters, changes, route: Arc::clone(route) });
        }
    }

    fn insert(&mut self, hash: u64, entry: Entry) {
        if self.young.len() >= Self::GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert_unique(hash, entry, Entry::hash);
    }
}
