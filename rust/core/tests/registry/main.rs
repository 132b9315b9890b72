//! The registry beside a list of interests that is scanned for every lookup.

mod list;
#[path = "../naive_filter/mod.rs"]
mod naive_filter;

use std::sync::{Arc, Weak};

use list::{answers, run, step};
use proptest::prelude::*;
use trading_events_core::filter::TopicInfo;
use trading_events_core::routing::{Interest, Registry, Route, Selector, SubscriptionId};
use trading_events_core::topic::Pattern;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_route_is_what_a_scan_over_all_interests_finds_before_and_after_every_change(
        steps in prop::collection::vec(step(), 1..16), answers in answers(),
    ) {
        run(steps, &answers);
    }
}

fn everything() -> Interest {
    Interest { selector: Selector::Matching(Pattern::parse("*").unwrap()), filter: None }
}

fn route_of(registry: &mut Registry, class: usize, symbol: &str) -> Arc<Route> {
    registry.route(class, &TopicInfo { event_type: "tick", lineage: &[class], exchange: None, symbol: Some(symbol) })
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

/// With so many that differ in one part alone, some hashes collide.
#[test]
fn a_route_tells_its_topic_and_is_kept_for_each_class_exchange_and_symbol_apart() {
    let mut registry = Registry::default();
    let names: Vec<String> = (0..4096).map(|number| format!("n{number}")).collect();
    for pass in 0..2 {
        for (number, name) in names.iter().enumerate() {
            for (class, parts) in [(number, [&**name, "x", "A"]), (1, ["n1", name, "A"]), (1, ["n1", "x", name])] {
                let [event_type, exchange, symbol] = parts;
                let info = TopicInfo { event_type, lineage: &[], exchange: Some(exchange), symbol: Some(symbol) };
                assert_eq!(*registry.route(class, &info).topic, *format!("events.{}", parts.join(".")), "pass {pass}");
            }
        }
        let none = TopicInfo { event_type: "n1", lineage: &[], exchange: None, symbol: None };
        assert_eq!(*registry.route(1, &none).topic, *"events.n1._._");
    }
}

/// Greatest number of routes in one of the cache's two generations.
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
