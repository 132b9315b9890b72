//! The registry's last answers, kept for as long as they hold.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::filter::Known;
use crate::route::Route;
use crate::topic::NONE;

/// Which answers hold no longer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stale<'a> {
    /// Those for one symbol.
    Symbol(&'a str),
    /// Those for one event type.
    EventType(&'a str),
    /// All.
    All,
}

/// Counts of changes, from which an answer can tell whether it still holds. Symbols share counters, and so do event
/// types: a change may make a few answers more stale than it must, and costs the same however many there are.
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

/// Which counters an answer depends on.
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

    fn counters(&self, known: &Known<'_>) -> Counters {
        Counters {
            event_type: counter(&self.event_types, known.event_type),
            symbol: counter(&self.symbols, known.symbol.unwrap_or(NONE)),
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
    exchange: Option<Box<str>>,
    symbol: Option<Box<str>>,
    counters: Counters,
    changes: u64,
    route: Arc<Route>,
}

impl Entry {
    fn is(&self, class: usize, known: &Known<'_>) -> bool {
        self.class == class && self.symbol.as_deref() == known.symbol && self.exchange.as_deref() == known.exchange
    }

    fn hash(&self) -> u64 {
        hash(self.class, self.exchange.as_deref(), self.symbol.as_deref())
    }
}

fn hash(class: usize, exchange: Option<&str>, symbol: Option<&str>) -> u64 {
    FxBuildHasher.hash_one((class, exchange, symbol))
}

/// The last routes asked for, in two generations: when the young one is full it becomes the old one, and the old one is
/// forgotten. What is asked for again moves back to the young.
#[derive(Debug, Default)]
pub(crate) struct RouteCache {
    young: HashTable<Entry>,
    old: HashTable<Entry>,
    changes: Changes,
}

impl RouteCache {
    /// The most routes in one generation. An entry takes about 300 bytes, so that both stay under 40 MiB.
    const GENERATION: usize = 1 << 16;

    /// Makes answers stale, at once and without touching them.
    pub(crate) fn invalidate(&mut self, stale: Stale<'_>) {
        self.changes.note(stale);
    }

    fn holds(&self, entry: &Entry) -> bool {
        entry.changes == self.changes.sum(entry.counters)
    }

    /// The route, if it is among the last asked for; unlike [`RouteCache::get`] it leaves all as it is.
    pub(crate) fn peek(&self, class: usize, known: &Known<'_>) -> Option<&Arc<Route>> {
        let hash = hash(class, known.exchange, known.symbol);
        let entry = self.young.find(hash, |entry| entry.is(class, known))?;
        self.holds(entry).then_some(&entry.route)
    }

    pub(crate) fn get(&mut self, class: usize, known: &Known<'_>) -> Option<Arc<Route>> {
        let hash = hash(class, known.exchange, known.symbol);
        let same = |entry: &Entry| entry.is(class, known);
        if let Some(entry) = self.young.find(hash, same) {
            return self.holds(entry).then(|| Arc::clone(&entry.route));
        }
        let entry = self.old.find_entry(hash, same).ok()?.remove().0;
        let route = self.holds(&entry).then(|| Arc::clone(&entry.route));
        self.insert(hash, entry);
        route
    }

    pub(crate) fn put(&mut self, class: usize, known: &Known<'_>, route: &Arc<Route>) {
        let hash = hash(class, known.exchange, known.symbol);
        let counters = self.changes.counters(known);
        let changes = self.changes.sum(counters);
        if let Some(entry) = self.young.find_mut(hash, |entry| entry.is(class, known)) {
            entry.changes = changes;
            entry.route = Arc::clone(route);
            return;
        }
        let (exchange, symbol) = (known.exchange.map(Into::into), known.symbol.map(Into::into));
        self.insert(hash, Entry { class, exchange, symbol, counters, changes, route: Arc::clone(route) });
    }

    fn insert(&mut self, hash: u64, entry: Entry) {
        if self.young.len() >= Self::GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert_unique(hash, entry, Entry::hash);
    }
}
