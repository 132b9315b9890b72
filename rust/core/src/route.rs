//! Answers of the registry, kept for as long as they hold.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::filter::Filter;
use crate::registry::SubscriptionId;
use crate::topic::Topic;

/// A subscription that events of one class and topic go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The subscription.
    pub id: SubscriptionId,
    /// What each event still has to pass.
    pub rest: Option<Filter<usize>>,
}

/// Where the events of one class and topic go.
#[derive(Debug)]
pub struct Route {
    /// The topic's text.
    pub topic: Arc<str>,
    /// The subscriptions, in the order of their places.
    pub targets: Box<[Target]>,
    /// Their ids alone, if none of them looks at single events.
    pub unconditional: Option<Box<[SubscriptionId]>>,
}

impl Route {
    pub(crate) fn new(topic: &Topic<'_>, targets: Vec<Target>) -> Self {
        let free = targets.iter().all(|target| target.rest.is_none());
        let unconditional = free.then(|| targets.iter().map(|target| target.id).collect());
        Self { topic: topic.text().into(), targets: targets.into(), unconditional }
    }
}

#[derive(Debug)]
struct Entry {
    class: usize,
    exchange: Option<Box<str>>,
    symbol: Option<Box<str>>,
    version: u64,
    route: Arc<Route>,
}

impl Entry {
    fn is(&self, class: usize, exchange: Option<&str>, symbol: Option<&str>) -> bool {
        self.class == class && self.symbol.as_deref() == symbol && self.exchange.as_deref() == exchange
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
    version: u64,
}

impl RouteCache {
    /// The most routes in one generation. An entry takes about 300 bytes, so that both stay under 40 MiB.
    const GENERATION: usize = 1 << 16;

    /// Makes every answer so far stale, at once and without touching them.
    pub(crate) fn invalidate(&mut self) {
        self.version += 1;
    }

    /// The route, if it is among the last asked for; unlike [`RouteCache::get`] it leaves all as it is.
    pub(crate) fn peek(&self, class: usize, exchange: Option<&str>, symbol: Option<&str>) -> Option<&Route> {
        let hash = hash(class, exchange, symbol);
        let entry = self.young.find(hash, |entry| entry.is(class, exchange, symbol))?;
        (entry.version == self.version).then_some(&*entry.route)
    }

    pub(crate) fn get(&mut self, class: usize, exchange: Option<&str>, symbol: Option<&str>) -> Option<Arc<Route>> {
        let hash = hash(class, exchange, symbol);
        let same = |entry: &Entry| entry.is(class, exchange, symbol);
        if let Some(entry) = self.young.find(hash, same) {
            return (entry.version == self.version).then(|| Arc::clone(&entry.route));
        }
        let entry = self.old.find_entry(hash, same).ok()?.remove().0;
        let route = (entry.version == self.version).then(|| Arc::clone(&entry.route));
        self.insert(hash, entry);
        route
    }

    pub(crate) fn put(&mut self, class: usize, exchange: Option<&str>, symbol: Option<&str>, route: &Arc<Route>) {
        let hash = hash(class, exchange, symbol);
        if let Some(entry) = self.young.find_mut(hash, |entry| entry.is(class, exchange, symbol)) {
            entry.version = self.version;
            entry.route = Arc::clone(route);
            return;
        }
        let entry = Entry {
            class,
            exchange: exchange.map(Into::into),
            symbol: symbol.map(Into::into),
            version: self.version,
            route: Arc::clone(route),
        };
        self.insert(hash, entry);
    }

    fn insert(&mut self, hash: u64, entry: Entry) {
        if self.young.len() >= Self::GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert_unique(hash, entry, Entry::hash);
    }
}
