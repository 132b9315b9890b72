//! The subscriptions of a bus by what they hear: a trie over the segments of patterns, and a bounded cache of its
//! answers.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::cache::{RouteCache, Stale};
use super::id::SubscriptionId;
use super::route::{Route, Target};
use crate::filter::{Filter, TopicInfo};
use crate::topic::{NONE, Pattern, Segment, Topic};

/// Event types or classes that a subscription hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Events whose topic matches.
    Matching(Pattern),
    /// Events of a class and its subclasses.
    Class(usize),
}

/// Selection of events by one subscription. `usize` numbers the callables of its filter.
#[derive(Debug, Clone)]
pub struct Interest {
    /// Pattern or class.
    pub selector: Selector,
    /// Condition beyond it.
    pub filter: Option<Filter<usize>>,
}

/// One level of the trie: the next level, by segment.
#[derive(Debug)]
struct Level<T> {
    any: Option<Box<T>>,
    literals: HashMap<Box<str>, T, FxBuildHasher>,
    globs: Vec<(Segment, T)>,
}

impl<T> Default for Level<T> {
    fn default() -> Self {
        Self { any: None, literals: HashMap::default(), globs: Vec::new() }
    }
}

impl<T: Default> Level<T> {
    fn at(&mut self, segment: &Segment) -> &mut T {
        match segment {
            Segment::Any => self.any.get_or_insert_default(),
            Segment::Literal(text) => self.literals.entry(text.clone()).or_default(),
            Segment::Glob(_) => {
                let found = self.globs.iter().position(|(glob, _)| glob == segment);
                let place = found.unwrap_or_else(|| {
                    self.globs.push((segment.clone(), T::default()));
                    self.globs.len() - 1
                });
                &mut self.globs[place].1
            }
        }
    }

    fn each<'a>(&'a self, text: &str, mut visit: impl FnMut(&'a T)) {
        self.any.as_deref().into_iter().for_each(&mut visit);
        self.literals.get(text).into_iter().for_each(&mut visit);
        self.globs.iter().filter(|(glob, _)| glob.matches(text)).for_each(|(_, next)| visit(next));
    }

    /// Changes what is behind a segment, and removes the segment if nothing is left there.
    fn edit(&mut self, segment: &Segment, edit: impl FnOnce(&mut T), is_empty: impl Fn(&T) -> bool) {
        edit(self.at(segment));
        match segment {
            Segment::Any => drop(self.any.take_if(|next| is_empty(next))),
            Segment::Literal(text) => {
                if self.literals.get(text).is_some_and(&is_empty) {
                    self.literals.remove(text);
                }
            }
            Segment::Glob(_) => self.globs.retain(|(_, next)| !is_empty(next)),
        }
    }

    /// True if the next level depends on the text.
    fn looks_at_text(&self) -> bool {
        !(self.literals.is_empty() && self.globs.is_empty())
    }

    fn is_empty(&self) -> bool {
        self.any.is_none() && self.literals.is_empty() && self.globs.is_empty()
    }
}

#[derive(Debug, Clone)]
struct Listener {
    id: SubscriptionId,
    filter: Option<Filter<usize>>,
}

type Symbols = Level<Vec<Listener>>;
type Exchanges = Level<Symbols>;

/// The subscriptions of a bus, by what they hear.
#[derive(Debug, Default)]
pub struct Registry {
    types: Level<Exchanges>,
    classes: HashMap<usize, Exchanges, FxBuildHasher>,
    cache: RouteCache,
    version: u64,
}

impl Registry {
    /// Adds a subscription.
    pub fn insert(&mut self, id: SubscriptionId, interest: &Interest) {
        let (path, filter) = Path::new(interest);
        let exchanges = match &path.selector {
            Head::Type(segment) => self.types.at(segment),
            Head::Class(class) => self.classes.entry(*class).or_default(),
        };
        exchanges.at(&path.exchange).at(&path.symbol).push(Listener { id, filter });
        self.forget_routes(&path);
    }

    /// Makes routes stale that the subscription may be on.
    fn forget_routes(&mut self, path: &Path) {
        self.version += 1;
        self.cache.invalidate(match (&path.symbol, &path.selector) {
            (Segment::Literal(symbol), _) => Stale::Symbol(symbol),
            (_, Head::Type(Segment::Literal(event_type))) => Stale::EventType(event_type),
            _ => Stale::All,
        });
    }

    /// Number of subscriptions added and removed.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Removes a subscription; `interest` is the one it was added with.
    pub fn remove(&mut self, id: SubscriptionId, interest: &Interest) {
        let (path, _) = Path::new(interest);
        let forget = |exchanges: &mut Exchanges| {
            let without = |listeners: &mut Vec<Listener>| listeners.retain(|listener| listener.id != id);
            exchanges.edit(
                &path.exchange,
                |symbols| symbols.edit(&path.symbol, without, Vec::is_empty),
                Level::is_empty,
            );
        };
        match &path.selector {
            Head::Type(segment) => self.types.edit(segment, forget, Level::is_empty),
            Head::Class(class) => {
                let exchanges = self.classes.entry(*class).or_default();
                forget(exchanges);
                if exchanges.is_empty() {
                    self.classes.remove(class);
                }
            }
        }
        self.forget_routes(&path);
    }

    /// The route of the events of a class and topic, if it is cached.
    #[must_use]
    pub fn cached_route(&self, class: usize, info: &TopicInfo<'_>) -> Option<&Arc<Route>> {
        self.cache.peek(class, info)
    }

    /// The route of the events of a class and topic. `class` identifies the class.
    pub fn route(&mut self, class: usize, info: &TopicInfo<'_>) -> Arc<Route> {
        if let Some(route) = self.cache.get(class, info) {
            return route;
        }
        let route = Arc::new(self.find(info));
        self.cache.put(class, info, &route);
        route
    }

    /// The subscriptions that hear all events of a class; `None` if exchange, symbol or anything else matters to any of
    /// them.
    #[must_use]
    pub fn find_by_class(&self, event_type: &str, lineage: &[usize]) -> Option<Vec<SubscriptionId>> {
        let (mut ids, mut it_matters) = (Vec::new(), false);
        let mut collect = |exchanges: &Exchanges| {
            let symbols = exchanges.any.as_deref();
            let listeners = symbols.and_then(|symbols| symbols.any.as_deref());
            it_matters = it_matters || exchanges.looks_at_text() || symbols.is_some_and(Level::looks_at_text);
            for listener in listeners.into_iter().flatten() {
                it_matters = it_matters || listener.filter.is_some();
                if it_matters {
                    return;
                }
                ids.push(listener.id);
            }
        };
        self.types.each(event_type, &mut collect);
        lineage.iter().filter_map(|class| self.classes.get(class)).for_each(&mut collect);
        ids.sort_unstable();
        (!it_matters).then_some(ids)
    }

    fn find(&self, info: &TopicInfo<'_>) -> Route {
        let exchange = info.exchange.unwrap_or(NONE);
        let symbol = info.symbol.unwrap_or(NONE);
        let mut targets = Vec::new();
        let mut collect = |exchanges: &Exchanges| {
            exchanges.each(exchange, |symbols| {
                symbols.each(symbol, |listeners| {
                    targets.extend(listeners.iter().filter_map(|listener| listener.target(info)));
                });
            });
        };
        self.types.each(info.event_type, &mut collect);
        info.lineage.iter().filter_map(|class| self.classes.get(class)).for_each(&mut collect);
        targets.sort_unstable_by_key(|target| target.id);
        Route::new(&Topic { event_type: info.event_type, exchange, symbol }, targets)
    }
}

impl Listener {
    fn target(&self, info: &TopicInfo<'_>) -> Option<Target> {
        match self.filter.as_ref().map(|filter| filter.partial_eval(info)) {
            None | Some(Filter::Constant(true)) => Some(Target { id: self.id, residual: None }),
            Some(Filter::Constant(false)) => None,
            residual => Some(Target { id: self.id, residual }),
        }
    }
}

enum Head {
    Type(Segment),
    Class(usize),
}

/// Path of an interest through the trie.
struct Path {
    selector: Head,
    exchange: Segment,
    symbol: Segment,
}

impl Path {
    /// The path, and the part of the filter that is not in it. If a filter allows one symbol or exchange and the
    /// pattern any, that name becomes the segment.
    fn new(interest: &Interest) -> (Self, Option<Filter<usize>>) {
        let mut path = match &interest.selector {
            Selector::Class(class) => {
                Self { selector: Head::Class(*class), exchange: Segment::Any, symbol: Segment::Any }
            }
            Selector::Matching(pattern) => Self {
                selector: Head::Type(pattern.event_type.clone()),
                exchange: pattern.exchange.clone(),
                symbol: pattern.symbol.clone(),
            },
        };
        let mut residual: Vec<Filter<usize>> = match &interest.filter {
            None => Vec::new(),
            Some(Filter::All(parts)) => parts.clone(),
            Some(filter) => vec![filter.clone()],
        };
        residual.retain(|part| match part {
            Filter::Symbol(names) => !narrow(&mut path.symbol, names),
            Filter::Exchange(names) => !narrow(&mut path.exchange, names),
            _ => true,
        });
        let filter = if residual.len() > 1 { Some(Filter::All(residual)) } else { residual.pop() };
        (path, filter)
    }
}

fn narrow(segment: &mut Segment, names: &[Box<str>]) -> bool {
    match (&segment, names) {
        (Segment::Any, [name]) => {
            *segment = Segment::Literal(name.clone());
            true
        }
        _ => false,
    }
}
