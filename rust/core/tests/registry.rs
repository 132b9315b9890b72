//! The registry beside a list of interests that is scanned for every lookup.

mod naive_filter;

use std::sync::{Arc, Weak};

use naive_filter::{CALLABLES, Question, filters, passes, subjects};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use trading_events_core::filter::{Filter, Known};
use trading_events_core::pattern::Pattern;
use trading_events_core::registry::{Interest, Kinds, Registry, SubscriptionId};
use trading_events_core::route::Route;
use trading_events_core::topic::{NONE, Topic};

#[derive(Debug, Clone)]
enum Step {
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
    let kinds = prop_oneof![
        3 => patterns().prop_map(Kinds::Matching),
        1 => select(&[0, 1, 2, 11, 13, 99][..]).prop_map(Kinds::Class),
    ];
    (kinds, prop::option::of(filters())).prop_map(|(kinds, filter)| Interest { kinds, filter })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => interests().prop_map(Step::Insert),
        2 => any::<Index>().prop_map(Step::Remove),
    ];
    prop::collection::vec(step, 1..16)
}

/// What an event answers when a filter asks; of a filter without callables and times, it does not matter.
#[derive(Debug, Clone)]
struct Answers {
    time: i64,
    calls: Vec<bool>,
}

fn answers() -> impl Strategy<Value = Answers> {
    (0..4_i64, prop::collection::vec(any::<bool>(), CALLABLES)).prop_map(|(time, calls)| Answers { time, calls })
}

/// Everyone who listens; places are given out again, under the next generation.
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

    fn hearing(&self, known: &Known<'_>, answers: &Answers) -> Vec<SubscriptionId> {
        let topic = Topic {
            event_type: known.event_type,
            exchange: known.exchange.unwrap_or(NONE),
            symbol: known.symbol.unwrap_or(NONE),
        };
        let mut ask = |question| match question {
            Question::Time => Ok::<_, ()>(answers.time),
            Question::Call(callable) => Ok(i64::from(answers.calls[callable])),
        };
        let mut hears = |interest: &Interest| {
            let is_of_kind = match &interest.kinds {
                Kinds::Matching(pattern) => pattern.matches(&topic),
                Kinds::Class(class) => known.lineage.contains(class),
            };
            is_of_kind && interest.filter.as_ref().is_none_or(|filter| passes(filter, known, &mut ask) == Ok(true))
        };
        let mut hearing: Vec<_> =
            self.standing.iter().filter(|(_, interest)| hears(interest)).map(|(id, _)| *id).collect();
        hearing.sort_unstable();
        hearing
    }
}

/// Those of a route's targets whose filters an event with these answers passes.
fn passing(route: &Route, answers: &Answers) -> Vec<SubscriptionId> {
    let passes = |rest: &Filter<usize>| {
        rest.test::<()>(&mut || Ok(answers.time), &mut |callable| Ok(answers.calls[*callable])) == Ok(true)
    };
    route.targets().filter(|(_, rest)| rest.is_none_or(passes)).map(|(id, _)| id).collect()
}

fn assert_routes(registry: &mut Registry, listeners: &Listeners, answers: &Answers) {
    for known in subjects() {
        let route = registry.route(known.lineage[0], &known);
        assert_eq!(passing(&route, answers), listeners.hearing(&known, answers), "{known:?}");
        let ids: Vec<SubscriptionId> = route.targets().map(|(id, _)| id).collect();
        let asks = route.targets().any(|(_, rest)| rest.is_some());
        if let Some(all) = registry.find_regardless(known.event_type, known.lineage) {
            assert_eq!((&all, asks), (&ids, false), "whatever the names are: {known:?}");
        }
        assert_eq!(route.unconditional(), (!asks).then_some(&*ids), "{known:?}");
        assert!(Arc::ptr_eq(&route, &registry.route(known.lineage[0], &known)), "the second answer is kept");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_route_is_what_a_scan_over_all_interests_finds_before_and_after_every_change(
        steps in steps(), answers in answers(),
    ) {
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
            assert_routes(&mut registry, &listeners, &answers);
        }
    }
}

fn everything() -> Interest {
    Interest { kinds: Kinds::Matching(Pattern::parse("*").unwrap()), filter: None }
}

fn route_of(registry: &mut Registry, class: usize, symbol: &str) -> Arc<Route> {
    registry.route(class, &Known { event_type: "tick", lineage: &[class], exchange: None, symbol: Some(symbol) })
}

#[test]
fn removing_a_place_that_was_given_out_again_leaves_the_new_holder() {
    let mut registry = Registry::default();
    let (old, new) = (SubscriptionId { index: 0, generation: 0 }, SubscriptionId { index: 0, generation: 1 });
    registry.insert(old, &everything());
    registry.insert(new, &everything());
    registry.remove(old, &everything());
    assert_eq!(route_of(&mut registry, 1, "A").unconditional(), Some(&[new][..]));
}

/// So many differ in one part alone that the hashes of some of them fall together.
#[test]
fn a_route_tells_its_topic_and_is_kept_for_each_class_exchange_and_symbol_apart() {
    let mut registry = Registry::default();
    let names: Vec<String> = (0..4096).map(|number| format!("n{number}")).collect();
    for pass in 0..2 {
        for (number, name) in names.iter().enumerate() {
            for (class, parts) in [(number, [&**name, "x", "A"]), (1, ["n1", name, "A"]), (1, ["n1", "x", name])] {
                let [event_type, exchange, symbol] = parts;
                let known = Known { event_type, lineage: &[], exchange: Some(exchange), symbol: Some(symbol) };
                assert_eq!(*registry.route(class, &known).topic, *format!("events.{}", parts.join(".")), "pass {pass}");
            }
        }
        let none = Known { event_type: "n1", lineage: &[], exchange: None, symbol: None };
        assert_eq!(*registry.route(1, &none).topic, *"events.n1._._");
    }
}

/// The most routes in one of the cache's two generations.
const GENERATION: usize = 1 << 17;

#[test]
fn the_cache_keeps_what_is_asked_for_and_forgets_the_rest() {
    let mut registry = Registry::default();
    let popular = route_of(&mut registry, 1, "popular");
    let mut others: Vec<Weak<Route>> = Vec::new();
    for number in 0..2 * GENERATION + 2 {
        let route = route_of(&mut registry, 2, &number.to_string());
        assert_eq!(*route.topic, *format!("events.tick._.{number}"));
        others.push(Arc::downgrade(&route));
        if number % (GENERATION / 2) == 0 {
            assert!(Arc::ptr_eq(&popular, &route_of(&mut registry, 1, "popular")), "asked for now and then, it stays");
        }
    }
    let kept = others.iter().filter(|route| route.strong_count() > 0).count();
    assert!((GENERATION..2 * GENERATION).contains(&kept), "two generations at the most: {kept}");
    assert!(others[0].upgrade().is_none(), "the oldest is forgotten");
    assert!(others[others.len() - 1].upgrade().is_some(), "the newest is kept");

    let id = SubscriptionId { index: 0, generation: 0 };
    registry.insert(id, &everything());
    for number in [2 * GENERATION, GENERATION, 0] {
        let route = route_of(&mut registry, 2, &number.to_string());
        assert_eq!(route.unconditional(), Some(&[id][..]), "in either generation, or in none, it is not stale");
    }
}
