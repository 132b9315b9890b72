//! Topics and patterns beside a naive parser, and on any text.

mod naive_pattern;

use naive_pattern::{segment_matches, segments};
use proptest::prelude::*;
use trading_events_core::topic::{Pattern, Segment, Topic, check_event_type, check_exchange, check_symbol};

/// Few letters, of one, two, three and four bytes, so that texts often match; and characters that are special
/// elsewhere.
fn letters() -> impl Strategy<Value = String> {
    "[ab€é😀\\[\\]\\\\^$/ ]{1,6}"
}

fn globs() -> impl Strategy<Value = String> {
    prop_oneof!["[ab*?]{1,7}", "[ab€é😀\\[\\]\\\\^$*?/ ]{1,7}", "\\*{1,3}"]
}

fn pattern_texts() -> impl Strategy<Value = String> {
    let head = prop_oneof![4 => Just(String::new()), 4 => Just("events.".to_owned()), 1 => "(ev\\*|\\*|\\?{6}|x)\\."];
    (head, prop::collection::vec(globs(), 1..5)).prop_map(|(head, parts)| head + &parts.join("."))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_glob_matches_what_a_naive_matcher_matches(glob in "[ab*?é.]{1,9}", text in "[abé.]{0,9}") {
        let segment = Segment::Glob(glob.as_str().into());
        prop_assert_eq!(segment.matches(&text), segment_matches(&glob, &text));
    }

    #[test]
    fn a_glob_matches_every_text_that_it_was_made_from(
        pieces in prop::collection::vec((letters(), prop_oneof![Just("*"), Just("?"), Just("")]), 1..6),
    ) {
        let glob: String = pieces.iter().map(|(piece, wildcard)| {
            if wildcard.is_empty() { piece } else { *wildcard }
        }).collect();
        let text: String = pieces.iter().map(|(piece, wildcard)| match *wildcard {
            "?" => piece.chars().take(1).collect(),
            _ => piece.clone(),
        }).collect();
        let pattern = Pattern::parse(&format!("events.*.*.{glob}")).unwrap();
        prop_assert!(pattern.symbol.matches(&text), "{glob:?} matches {text:?}");
    }

    #[test]
    fn a_pattern_matches_a_topic_if_each_segment_matches_its_part(
        text in pattern_texts(), event_type in letters(), exchange in letters(), symbol in "[ab€é.😀]{1,6}",
    ) {
        let topic = Topic { event_type: &event_type, exchange: &exchange, symbol: &symbol };
        let expected = segments(&text).map(|[first, second, third]| {
            let tail_matches = segment_matches(&second, &exchange) && segment_matches(&third, &symbol);
            segment_matches(&first, &event_type) && tail_matches
        });
        prop_assert_eq!(Pattern::parse(&text).ok().map(|pattern| pattern.matches(&topic)), expected);
    }

    #[test]
    fn a_pattern_is_read_back_from_its_normal_form(
        text in prop_oneof![pattern_texts(), "[a*?. ]{0,12}", any::<String>()],
    ) {
        let parsed = Pattern::parse(&text);
        prop_assert_eq!(parsed.is_ok(), segments(&text).is_some());
        if let Ok(pattern) = parsed {
            let normal = pattern.to_string();
            let again = Pattern::parse(&normal).unwrap();
            prop_assert_eq!(again.to_string(), normal);
            prop_assert_eq!(again, pattern);
        }
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(text in any::<String>(), other in any::<String>()) {
        let topic = Topic { event_type: &text, exchange: &other, symbol: &text };
        for pattern in [Pattern::parse(&text), Pattern::parse(&other)].into_iter().flatten() {
            let _ = pattern.matches(&topic);
        }
        prop_assert_eq!(Topic::parse(&text).is_some_and(|topic| topic.text() != text), false);
        for check in [check_event_type, check_exchange, check_symbol] {
            if let Err(wrong) = check(&text) {
                prop_assert!(!wrong.to_string().is_empty());
            }
        }
    }

    #[test]
    fn a_topic_of_good_names_is_read_back_and_is_a_pattern_for_itself_alone(
        event_type in "[a-z][a-z0-9_]{0,5}", exchange in "[^.*?]{1,6}", symbol in "[^*?]{1,6}", other in "[^*?]{1,6}",
    ) {
        prop_assume!(check_exchange(&exchange).is_ok() && check_symbol(&symbol).is_ok());
        prop_assert_eq!(check_event_type(&event_type), Ok(()));
        let topic = Topic { event_type: &event_type, exchange: &exchange, symbol: &symbol };
        let text = topic.text();
        prop_assert_eq!(Topic::parse(&text), Some(topic));
        let pattern = Pattern::parse(&text).unwrap();
        prop_assert!(pattern.matches(&topic));
        prop_assert_eq!(pattern.matches(&Topic { symbol: &other, ..topic }), other == symbol);
    }
}

/// There are more than 10^80 ways to share out these texts among the stars. A matcher that tried them would never end;
/// one that takes each pair of a star and a character at the most once ends after some millions of steps.
#[test]
fn the_worst_globs_take_no_more_than_a_step_for_each_pair_of_characters() {
    let run = "a".repeat(20_000);
    for glob in ["*a".repeat(50) + "*b", "*?".repeat(50) + "b", "*".repeat(50) + &"a*".repeat(50) + "b"] {
        let segment = Segment::Glob(glob.into());
        assert!(!segment.matches(&run));
        assert!(segment.matches(&(run.clone() + "b")));
    }
}
