//! The table of cases in `tests/data/topics.toml`, which every implementation reads.

use serde::Deserialize;
use trading_events_core::bus::{Bus, SubscribeOptions};
use trading_events_core::filter::TopicInfo;
use trading_events_core::queue::Overflow;
use trading_events_core::routing::{Interest, Selector};
use trading_events_core::subscription::Delivery;
use trading_events_core::topic::{NONE, NameError, Pattern, Topic, check_event_type, check_exchange, check_symbol};

#[derive(Deserialize)]
struct Table {
    pattern: Vec<PatternRow>,
    no_pattern: Vec<NoPatternRow>,
    topic: Vec<TopicRow>,
    event_type: Vec<Names>,
    exchange: Vec<Names>,
    symbol: Vec<Names>,
    no_event_type: Vec<Names>,
    no_exchange: Vec<Names>,
    no_symbol: Vec<Names>,
}

#[derive(Deserialize)]
struct PatternRow {
    why: String,
    pattern: String,
    normal: String,
    #[serde(default)]
    matches: Vec<String>,
    #[serde(default)]
    misses: Vec<String>,
}

#[derive(Deserialize)]
struct NoPatternRow {
    text: String,
    reason: String,
}

#[derive(Deserialize)]
struct TopicRow {
    event_type: String,
    exchange: Option<String>,
    symbol: Option<String>,
    text: String,
}

#[derive(Deserialize)]
struct Names {
    #[serde(default)]
    reason: String,
    names: Vec<String>,
}

fn table() -> Table {
    toml::from_str(include_str!("../../../tests/data/topics.toml"))
        .expect("the table is TOML of the form its head tells")
}

fn reason(wrong: &NameError) -> &'static str {
    match wrong {
        NameError::Blank => "blank",
        NameError::EmptySegment { .. } => "empty_segment",
        NameError::Control { .. } => "control",
        NameError::Reserved { .. } => "reserved",
        NameError::Placeholder => "placeholder",
        NameError::EventType => "event_type",
        NameError::Prefix => "prefix",
    }
}

fn matches(pattern: &Pattern, topic: &str) -> bool {
    Topic::parse(topic).is_some_and(|topic| pattern.matches(&topic))
}

#[test]
fn patterns_match_what_the_table_says() {
    for row in table().pattern {
        let pattern = Pattern::parse(&row.pattern).unwrap_or_else(|wrong| panic!("{:?}: {wrong}", row.pattern));
        for topic in &row.matches {
            assert!(matches(&pattern, topic), "{}: {:?} matches {topic:?}", row.why, row.pattern);
        }
        for topic in &row.misses {
            assert!(!matches(&pattern, topic), "{}: {:?} does not match {topic:?}", row.why, row.pattern);
        }
    }
}

#[test]
fn a_bus_routes_by_the_table_the_first_time_and_from_its_cache() {
    let rows = table().pattern;
    let patterns: Vec<Pattern> = rows.iter().map(|row| Pattern::parse(&row.pattern).unwrap()).collect();
    let mut bus: Bus<(), (), ()> = Bus::default();
    let mut subscribe = |pattern: &Pattern| {
        let interest = Interest { selector: Selector::Matching(pattern.clone()), filter: None };
        bus.subscribe(SubscribeOptions {
            payload: (),
            interest,
            capacity: 1,
            overflow: Overflow::Block,
            tells_gaps: false,
            delivery: Delivery::Queued,
        })
    };
    let ids: Vec<_> = patterns.iter().map(&mut subscribe).collect();
    let texts: Vec<&String> = rows.iter().flat_map(|row| row.matches.iter().chain(&row.misses)).collect();
    let topics: Vec<Topic<'_>> = texts.iter().filter_map(|text| Topic::parse(text)).collect();
    assert!(topics.len() > 100);
    for topic in topics.iter().chain(&topics) {
        let class = topics.iter().position(|other| other.event_type == topic.event_type).unwrap();
        let part = |name| (name != NONE).then_some(name);
        let (exchange, symbol) = (part(topic.exchange), part(topic.symbol));
        let route = bus.route(class, &TopicInfo { event_type: topic.event_type, lineage: &[], exchange, symbol });
        let heard: Vec<_> = route.targets().map(|(id, _)| id).collect();
        let wanted = ids.iter().zip(&patterns).filter(|(_, pattern)| pattern.matches(topic)).map(|(id, _)| *id);
        assert_eq!(heard, wanted.collect::<Vec<_>>(), "{topic:?}");
    }
}

#[test]
fn a_pattern_has_one_normal_form_which_is_the_same_pattern() {
    for row in table().pattern {
        let pattern = Pattern::parse(&row.pattern).unwrap();
        assert_eq!(pattern.to_string(), row.normal, "{}", row.why);
        assert_eq!(Pattern::parse(&row.normal).unwrap(), pattern, "{}", row.why);
    }
}

#[test]
fn a_text_that_is_no_pattern_is_refused_with_its_reason() {
    for row in table().no_pattern {
        let wrong = Pattern::parse(&row.text).expect_err(&row.text);
        assert_eq!(reason(&wrong), row.reason, "{:?}: {wrong}", row.text);
    }
}

#[test]
fn a_topic_is_composed_of_its_parts_and_read_back() {
    for row in table().topic {
        let topic = Topic {
            event_type: &row.event_type,
            exchange: row.exchange.as_deref().unwrap_or(NONE),
            symbol: row.symbol.as_deref().unwrap_or(NONE),
        };
        assert_eq!(topic.text(), row.text);
        assert_eq!(Topic::parse(&row.text), Some(topic));
    }
}

fn assert_names(good: &[Names], bad: &[Names], check: fn(&str) -> Result<(), NameError>) {
    for name in good.iter().flat_map(|row| &row.names) {
        assert_eq!(check(name), Ok(()), "{name:?}");
    }
    for row in bad {
        for name in &row.names {
            let wrong = check(name).expect_err(name);
            assert_eq!(reason(&wrong), row.reason, "{name:?}: {wrong}");
        }
    }
}

#[test]
fn names_are_accepted_or_refused_with_their_reason() {
    let table = table();
    assert_names(&table.event_type, &table.no_event_type, check_event_type);
    assert_names(&table.exchange, &table.no_exchange, check_exchange);
    assert_names(&table.symbol, &table.no_symbol, check_symbol);
}
