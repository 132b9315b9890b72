//! Events as msgpack in the order in which they are stored: by class, day and topic, then by time.

use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::msgpack::MsgpackSource;
use super::time::DAY_US;
use super::token::Token;

/// The events of one class, day and topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDay {
    /// The event type.
    pub event_type: String,
    /// Days since 1970 in UTC.
    pub day: i64,
    /// The exchange, if there is one.
    pub exchange: Option<String>,
    /// The symbol, if there is one.
    pub symbol: Option<String>,
    /// Indices of the events, by time, then as they were given.
    pub events: Vec<u32>,
}

/// Time and topic of an event.
#[derive(Debug, Clone, Copy)]
struct Head<'a> {
    micros: i64,
    topic_day: Key<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key<'a> {
    event_type: &'a str,
    day: i64,
    exchange: Option<&'a str>,
    symbol: Option<&'a str>,
}

/// Sorts events; also returns the indices of those that cannot be read.
pub fn sort<'a>(events: impl IntoIterator<Item = &'a [u8]>) -> (Vec<TopicDay>, Vec<u32>) {
    let mut sorter = Sorter::default();
    for event in events {
        sorter.push(event);
    }
    sorter.finish()
}

/// Sorts events that need not be in memory together.
#[derive(Debug, Default)]
pub struct Sorter {
    number: u32,
    /// The topics, still without their events, and the times of those.
    found: Vec<(TopicDay, Vec<(i64, u32)>)>,
    places: HashTable<usize>,
    unread: Vec<u32>,
}

impl Sorter {
    /// Takes the next event.
    pub fn push(&mut self, event: &[u8]) {
        let number = self.number;
        self.number += 1;
        let Some(Head { micros, topic_day }) = read_head(event) else {
            self.unread.push(number);
            return;
        };
        let place = self.place(topic_day);
        self.found[place].1.push((micros, number));
    }

    /// The topics of the events, and the indices of events that cannot be read.
    #[must_use]
    pub fn finish(mut self) -> (Vec<TopicDay>, Vec<u32>) {
        self.found.sort_unstable_by(|(one, _), (other, _)| Key::of(one).cmp(&Key::of(other)));
        (self.found.into_iter().map(|(topic_day, events)| with_events(topic_day, events)).collect(), self.unread)
    }

    fn place(&mut self, key: Key<'_>) -> usize {
        let Self { found, places, .. } = self;
        let hash = hash(&key);
        places.find(hash, |place| Key::of(&found[*place].0) == key).copied().unwrap_or_else(|| {
            found.push((key.to_topic_day(), Vec::new()));
            let place = found.len() - 1;
            places.insert_unique(hash, place, |place| self::hash(&Key::of(&found[*place].0)));
            place
        })
    }
}

fn with_events(topic_day: TopicDay, mut events: Vec<(i64, u32)>) -> TopicDay {
    events.sort_unstable(); // mostly they are in order
    TopicDay { events: events.into_iter().map(|(_, number)| number).collect(), ..topic_day }
}

impl<'a> Key<'a> {
    fn of(topic_day: &'a TopicDay) -> Self {
        let TopicDay { event_type, day, exchange, symbol, .. } = topic_day;
        Self { event_type, day: *day, exchange: exchange.as_deref(), symbol: symbol.as_deref() }
    }

    fn to_topic_day(self) -> TopicDay {
        TopicDay {
            event_type: self.event_type.to_owned(),
            day: self.day,
            exchange: self.exchange.map(str::to_owned),
            symbol: self.symbol.map(str::to_owned),
            events: Vec::new(),
        }
    }
}

fn hash(key: &Key<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    hasher.finish()
}

fn read_head(event: &[u8]) -> Option<Head<'_>> {
    let (mut micros, mut exchange, mut symbol) = (None, None, None);
    let mut source = MsgpackSource::new(event);
    let event_type = source.begin().ok()?.event_type;
    while let Some((key, token)) = source.entry().ok()? {
        match key {
            "_ts" => micros = Some(moment(&token)?),
            "_x" => exchange = Some(name(token)?),
            "_s" => symbol = Some(name(token)?),
            _ => {}
        }
        if let (Some(micros), Some(Name(exchange)), Some(Name(symbol))) = (micros, exchange, symbol) {
            let day = micros.div_euclid(DAY_US);
            return Some(Head { micros, topic_day: Key { event_type, day, exchange, symbol } });
        }
    }
    None
}

fn moment(token: &Token<'_>) -> Option<i64> {
    match token {
        Token::Moment(micros) => Some(*micros),
        _ => None,
    }
}

/// The name of an exchange or a symbol, if there is one.
#[derive(Clone, Copy)]
struct Name<'a>(Option<&'a str>);

fn name(token: Token<'_>) -> Option<Name<'_>> {
    match token {
        Token::None => Some(Name(None)),
        Token::Text(name) => Some(Name(Some(name))),
        _ => None,
    }
}
