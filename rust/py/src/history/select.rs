//! Selection of kept events: by class, topic, filter and time, or the last of each topic.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pyo3::prelude::*;
use rustc_hash::FxBuildHasher;
use trading_events_core::codec::row::RoutingKey;
use trading_events_core::filter::{Filter, TopicInfo};
use trading_events_core::queue::{EventDeque, Stored};
use trading_events_core::routing::{Interest, Selector};
use trading_events_core::topic::{NONE, Topic};

use crate::codec::{self, packed};
use crate::error::EventDecodeError;
use crate::event::event_class::EventClass;
use crate::event::filter;
use crate::event::names::names;

/// The criteria of a selection.
pub(crate) struct Selection<'a> {
    pub(crate) interest: &'a Interest,
    /// The objects that the filter's numbers stand for.
    pub(crate) leaves: &'a [Py<PyAny>],
    /// Earliest time, in microseconds since 1970.
    pub(crate) start_us: Option<i64>,
    /// Time before which events are selected.
    pub(crate) end_us: Option<i64>,
    /// Selects only the last event of each topic.
    pub(crate) last_per_topic: bool,
    /// The most events selected; the last ones are.
    pub(crate) limit: usize,
}

/// Called with the event and the filter's exception.
type OnFailure<'a, 'py> = &'a mut dyn FnMut(&Bound<'py, PyAny>, PyErr) -> PyResult<()>;

/// An event with a matching topic and time, and the number of its topic.
struct Candidate {
    kept: Stored<Py<PyAny>>,
    topic: usize,
}

/// The topics met so far.
#[derive(Default)]
struct Topics {
    numbers: HashMap<Box<str>, usize, FxBuildHasher>,
    /// For each topic, the conditions that its events must still pass.
    residuals: Vec<Filter<usize>>,
    text: String,
    kinds: HashMap<Box<str>, Option<Arc<EventClass>>>,
}

impl Topics {
    /// The number of a topic met before.
    fn find(&mut self, facts: &RoutingKey<'_>) -> Option<usize> {
        self.text.clear();
        for part in [facts.event_type, ".", facts.exchange.unwrap_or(NONE), ".", facts.symbol.unwrap_or(NONE)] {
            self.text.push_str(part);
        }
        self.numbers.get(self.text.as_str()).copied()
    }

    /// Adds the topic that `find` has just not found.
    fn add(&mut self, rest: Filter<usize>) -> usize {
        let number = self.residuals.len();
        self.numbers.insert(self.text.as_str().into(), number);
        self.residuals.push(rest);
        number
    }
}

/// An owned copy of a routing key, which outlives the row it was read from.
struct OwnedKey {
    event_type: String,
    exchange: Option<String>,
    symbol: Option<String>,
}

enum Lookup {
    /// The number of a topic met before, and the time.
    Known(usize, i64),
    New(OwnedKey, i64),
}

impl Selection<'_> {
    /// The selected events, in order. No lock is held, as filters may run any code. Their exceptions go to
    /// `on_failure`, and reject the event.
    pub(crate) fn select<'py>(
        &self,
        py: Python<'py>,
        kept: EventDeque<Py<PyAny>>,
        on_failure: OnFailure<'_, 'py>,
    ) -> PyResult<Vec<Stored<Py<PyAny>>>> {
        let mut topics = Topics::default();
        let mut candidates = Vec::new();
        for kept in kept {
            if let Some(topic) = self.eligible_topic(py, &kept, &mut topics)? {
                candidates.push(Candidate { kept, topic });
            }
        }
        let from_the_end = self.last_per_topic || self.limit < candidates.len();
        if from_the_end {
            candidates.reverse();
        }
        let (mut selected, mut seen) = (Vec::new(), HashSet::new());
        for candidate in candidates {
            if from_the_end && selected.len() >= self.limit {
                break;
            }
            if self.last_per_topic && seen.contains(&candidate.topic) {
                continue;
            }
            if self.passes(py, &candidate, &topics, on_failure)? {
                seen.insert(candidate.topic);
                selected.push(candidate.kept);
            }
        }
        if from_the_end {
            selected.reverse();
        }
        Ok(selected)
    }

    /// The number of an event's topic, if topic and time match.
    fn eligible_topic(&self, py: Python<'_>, kept: &Stored<Py<PyAny>>, topics: &mut Topics) -> PyResult<Option<usize>> {
        let mut look = |facts: &RoutingKey<'_>| match topics.find(facts) {
            Some(number) => Lookup::Known(number, facts.timestamp),
            None => Lookup::New(
                OwnedKey {
                    event_type: facts.event_type.to_owned(),
                    exchange: facts.exchange.map(str::to_owned),
                    symbol: facts.symbol.map(str::to_owned),
                },
                facts.timestamp,
            ),
        };
        let lookup = match kept {
            Stored::Packed(rows) => {
                rows.with_key(look).map_err(|error| EventDecodeError::new_err((error.reason, error.offset)))?
            }
            Stored::Live(event) => {
                let event = event.bind(py);
                let (kind, (exchange, symbol)) = (EventClass::of(event)?, names(event)?);
                let timestamp = filter::timestamp_us(event)?;
                let (exchange, symbol) = (exchange.text()?, symbol.text()?);
                look(&RoutingKey { event_type: &kind.event_type, exchange, symbol, timestamp })
            }
        };
        let (number, time) = match lookup {
            Lookup::Known(number, time) => (number, time),
            Lookup::New(facts, time) => (self.resolve(py, &facts, topics)?, time),
        };
        let in_time = self.start_us.is_none_or(|start| start <= time) && self.end_us.is_none_or(|end| time < end);
        Ok((in_time && topics.residuals[number] != Filter::Constant(false)).then_some(number))
    }

    /// Evaluates the criteria that depend on the topic alone.
    fn resolve(&self, py: Python<'_>, facts: &OwnedKey, topics: &mut Topics) -> PyResult<usize> {
        if !topics.kinds.contains_key(facts.event_type.as_str()) {
            let class = codec::class_of_type(py, &facts.event_type)?;
            let kind = class.map(EventClass::of_class).transpose()?;
            topics.kinds.insert(facts.event_type.as_str().into(), kind);
        }
        let lineage: &[usize] = match &topics.kinds[facts.event_type.as_str()] {
            Some(kind) => &kind.lineage,
            None => &[],
        };
        let (exchange, symbol) = (facts.exchange.as_deref(), facts.symbol.as_deref());
        let known = TopicInfo { event_type: &facts.event_type, lineage, exchange, symbol };
        let hears = match &self.interest.selector {
            Selector::Class(class) => lineage.contains(class),
            Selector::Matching(pattern) => pattern.matches(&Topic {
                event_type: known.event_type,
                exchange: exchange.unwrap_or(NONE),
                symbol: symbol.unwrap_or(NONE),
            }),
        };
        let rest = match &self.interest.filter {
            _ if !hears => Filter::Constant(false),
            Some(filter) => filter.partial_eval(&known),
            None => Filter::Constant(true),
        };
        Ok(topics.add(rest))
    }

    fn passes<'py>(
        &self,
        py: Python<'py>,
        candidate: &Candidate,
        topics: &Topics,
        on_failure: OnFailure<'_, 'py>,
    ) -> PyResult<bool> {
        let rest = &topics.residuals[candidate.topic];
        if let Filter::Constant(passes) = rest {
            return Ok(*passes);
        }
        let event = packed::unpack(py, candidate.kept.share(|event| event.clone_ref(py)))?;
        match filter::evaluate(rest, self.leaves, &event) {
            Err(error) => on_failure(&event, error).map(|()| false),
            passes => passes,
        }
    }
}
