//! All listeners, as a list that is scanned for every lookup.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use trading_events_core::filter::{Filter, TopicInfo};
use trading_events_core::routing::{Interest, Registry, Route, Selector, SubscriptionId};
use trading_events_core::topic::{NONE, Pattern, Topic};

use crate::naive_filter::{CALLABLES, Question, filters, passes, subjects};

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Insert(Interest),
    Remove(Index),
}

fn patterns() -> impl Strategy<Value = Pattern> {
    let event_type = select(&["*", "tick", "trade", "t*", "?r*", "order_*", "*_filled", "nothing"][..]);
    let exchange = select(&["*", "x", "x*", "?", "??", "_", "z"][..]);
    let symbol = select(&["*", "A", "A*", "?", "*B", "A.?", "_", "A.B"][..]);
    (event_type, exchange, symbol).prop_map(|(event_type, exchange, symbol)| {
        Pattern::parse(&format!("events.{event_type}.{exchange}.{symbol}")).unwrap()
    })
}

fn interests() -> impl Strategy<Value = Interest> {
    let selector = prop_oneof![
        3 => patterns().prop_map(Selector::Matching),
        1 => select(&[0, 1, 2, 11, 13, 99][..]).prop_map(Selector::Class),
    ];
    (selector, prop::option::of(filters())).prop_map(|(selector, filter)| Interest { selector, filter })
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => interests().prop_map(Step::Insert),
        2 => any::<Index>().prop_map(Step::Remove),
    ]
}

/// Answers of an event to a filter; they do not matter to one without callables and times.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    time: i64,
    calls: Vec<bool>,
}

pub(crate) fn answers() -> impl Strategy<Value = Answers> {
    (0..4_i64, prop::collection::vec(any::<bool>(), CALLABLES)).prop_map(|(time, calls)| Answers { time, calls })
}

/// All listeners; slots are reused under the next generation.
#[derive(Default)]
struct Listeners {
    standing: Vec<(SubscriptionId, Interest)>,
    free: Vec<SubscriptionId>,
}

impl Listeners {
    fn place(&mut self) -> SubscriptionId {
        let next = u32::try_from(self.standing.len()).unwrap();
        self.free.pop().map_or(SubscriptionId { index: next, generation: 0 }, |old| SubscriptionId {
            generation: old.generation + 1,
            ..old
        })
    }

    fn hearing(&self, info: &TopicInfo<'_>, answers: &Answers) -> Vec<SubscriptionId> {
        let topic = Topic {
            event_type: info.event_type,
            exchange: info.exchange.unwrap_or(NONE),
            symbol: info.symbol.unwrap_or(NONE),
        };
        let mut ask = |question| match question {
            Question::Time => Ok::<_, ()>(answers.time),
            Question::Call(callable) => Ok(i64::from(answers.calls[callable])),
        };
        let mut hears = |interest: &Interest| {
            let is_of_kind = match &interest.selector {
                Selector::Matching(pattern) => pattern.matches(&topic),
                Selector::Class(class) => info.lineage.contains(class),
            };
            is_of_kind && interest.filter.as_ref().is_none_or(|filter| passes(filter, info, &mut ask) == Ok(true))
        };
        let mut hearing: Vec<_> =
            self.standing.iter().filter(|(_, interest)| hears(interest)).map(|(id, _)| *id).collect();
        hearing.sort_unstable();
        hearing
    }
}

/// Targets of a route whose residual filters an event with these answers passes.
fn passing(route: &Route, answers: &Answers) -> Vec<SubscriptionId> {
    let passes = |residual: &Filter<usize>| {
        residual.eval_residual::<()>(&mut || Ok(answers.time), &mut |callable| Ok(answers.calls[*callable])) == Ok(true)
    };
    route.targets().filter(|(_, residual)| residual.is_none_or(passes)).map(|(id, _)| id).collect()
}

fn assert_routes(registry: &mut Registry, listeners: &Listeners, answers: &Answers) {
    for info in subjects() {
        let route = registry.route(info.lineage[0], &info);
        assert_eq!(passing(&route, answers), listeners.hearing(&info, answers), "{info:?}");
        let ids: Vec<SubscriptionId> = route.targets().map(|(id, _)| id).collect();
        let asks = route.targets().any(|(_, residual)| residual.is_some());
        if let Some(all) = registry.find_by_class(info.event_type, info.lineage) {
            assert_eq!((&all, asks), (&ids, false), "whatever the names are: {info:?}");
        }
        assert_eq!(route.unconditional(), (!asks).then_some(&*ids), "{info:?}");
        assert!(Arc::ptr_eq(&route, &registry.route(info.lineage[0], &info)), "the second answer is kept");
    }
}

/// Takes all steps and compares every route before and after each.
pub(crate) fn run(steps: impl IntoIterator<Item = Step>, answers: &Answers) {
    let (mut registry, mut listeners) = (Registry::default(), Listeners::default());
    for step in steps {
        match step {
            Step::Insert(interest) => {
                let id = listeners.place();
                registry.insert(id, &interest);
                listeners.standing.push((id, interest));
            }
            Step::Remove(which) if !listeners.standing.is_empty() => {
                let (id, interest) = listeners.standing.remove(which.index(listeners.standing.len()));
                registry.remove(id, &interest);
                listeners.free.push(id);
            }
            Step::Remove(_) => {}
        }
        assert_routes(&mut registry, &listeners, answers);
    }
}
