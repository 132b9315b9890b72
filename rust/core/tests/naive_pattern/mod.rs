//! Patterns parsed and matched naively, after their contract, trying all that is possible.

use trading_events_core::topic::PREFIX;

/// A glob as the contract words it: a star is any run of characters, a question mark exactly one.
fn glob_matches(glob: &[char], text: &[char]) -> bool {
    match (glob, text) {
        ([], text) => text.is_empty(),
        (['*', rest @ ..], text) => (0..=text.len()).any(|taken| glob_matches(rest, &text[taken..])),
        (['?', rest @ ..], [_, left @ ..]) => glob_matches(rest, left),
        ([wanted, rest @ ..], [found, left @ ..]) => wanted == found && glob_matches(rest, left),
        (_, []) => false,
    }
}

/// True if a segment matches a text.
pub(crate) fn segment_matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    glob_matches(&glob, &text)
}

/// The segments for event type, exchange and symbol, or nothing if the text is no pattern.
pub(crate) fn segments(text: &str) -> Option<[String; 3]> {
    let mut parts: Vec<String> = text.splitn(4, '.').map(str::to_owned).collect();
    let is_wrong = text.trim().is_empty() || text.chars().any(char::is_control) || parts.contains(&String::new());
    if is_wrong || (parts.len() > 1 && !segment_matches(&parts.remove(0), PREFIX)) {
        return None;
    }
    parts.resize(3, "*".to_owned());
    parts.try_into().ok()
}
