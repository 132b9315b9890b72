//! Any text is a pattern or is refused, as by a naive reading, and a pattern is read back from its normal form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use naive_pattern::segments;
use trading_events_core::topic::{Pattern, Topic};

#[path = "../../core/tests/naive_pattern/mod.rs"]
mod naive_pattern;

/// Several stars alone say what one says.
fn only_star(segment: String) -> String {
    if segment.bytes().all(|byte| byte == b'*') { "*".to_owned() } else { segment }
}

fuzz_target!(|text: &str| {
    // The naive reading tries everything, and only the first segment of several is matched by it.
    if text.split('.').next().is_some_and(|first| first.len() > 16) {
        return;
    }
    let parsed = Pattern::parse(text);
    let read =
        parsed.as_ref().ok().map(|found| [&found.event_type, &found.exchange, &found.symbol].map(ToString::to_string));
    assert_eq!(read, segments(text).map(|naive| naive.map(only_star)));
    if let Some(topic) = Topic::parse(text) {
        assert_eq!(topic.text(), text);
    }
    if let Ok(pattern) = parsed {
        let normal = pattern.to_string();
        let again = Pattern::parse(&normal).unwrap();
        assert_eq!(again.to_string(), normal);
        assert_eq!(again, pattern);
        let topic = Topic { event_type: text, exchange: text, symbol: &normal };
        let _ = pattern.matches(&topic);
    }
});
