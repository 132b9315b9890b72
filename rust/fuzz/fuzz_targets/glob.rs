//! A glob matches what a naive matcher matches, which tries every way to divide the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use naive_pattern::segment_matches;
use trading_events_core::topic::Segment;

#[path = "../../core/tests/naive_pattern/mod.rs"]
#[allow(dead_code)] // it also reads whole patterns
mod naive_pattern;

fuzz_target!(|texts: (&str, &str)| {
    let (glob, text) = texts;
    let segment = Segment::Glob(glob.into());
    let matches = segment.matches(text);
    // With more stars than that, the naive matcher takes too long.
    if text.chars().count() <= 32 && glob.matches('*').count() <= 4 {
        assert_eq!(matches, segment_matches(glob, text));
    }
    assert!(Segment::Any.matches(text));
});
