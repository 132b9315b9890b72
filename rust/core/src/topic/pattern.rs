//! Patterns: topics with wildcards, and their shorthands.

use std::fmt;
use std::str::Chars;

use super::error::NameError;
use super::{PREFIX, Topic};

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// `*` alone: any text.
    Any,
    /// No wildcard: this text only.
    Literal(Box<str>),
    /// Text with `*` (any run of characters) and `?` (one code point) in it.
    Glob(Box<str>),
}

impl Segment {
    fn new(text: &str) -> Self {
        if !text.contains(['*', '?']) {
            Self::Literal(text.into())
        } else if text.bytes().all(|b| b == b'*') {
            Self::Any
        } else {
            Self::Glob(text.into())
        }
    }

    /// True if the segment matches a text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => **literal == *text,
            Self::Glob(glob) => glob_matches(glob, text),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Literal(text) | Self::Glob(text) => f.write_str(text),
        }
    }
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// Event types.
    pub event_type: Segment,
    /// Exchanges.
    pub exchange: Segment,
    /// Symbols.
    pub symbol: Segment,
}

impl Pattern {
    /// Parses a pattern or a shorthand for one.
    ///
    /// A single segment is an event type; missing trailing segments are `*`; the fourth segment takes all the rest.
    ///
    /// # Errors
    /// Blank text, an empty segment, a control character, or a first segment that is never `events`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if let Some(found) = text.chars().find(|c| c.is_control()) {
            return Err(NameError::Control { found });
        }
        if text.trim().is_empty() {
            return Err(NameError::Blank);
        }
        let mut parts: Vec<&str> = text.splitn(4, '.').collect();
        if let Some(at) = parts.iter().position(|part| part.is_empty()) {
            return Err(NameError::EmptySegment { place: at + 1 });
        }
        if parts.len() > 1 && !Segment::new(parts.remove(0)).matches(PREFIX) {
            return Err(NameError::Prefix);
        }
        let mut segments = parts.into_iter().map(Segment::new);
        let mut next = || segments.next().unwrap_or(Segment::Any);
        Ok(Self { event_type: next(), exchange: next(), symbol: next() })
    }

    /// True if the pattern matches a topic.
    #[must_use]
    pub fn matches(&self, topic: &Topic<'_>) -> bool {
        self.event_type.matches(topic.event_type)
            && self.exchange.matches(topic.exchange)
            && self.symbol.matches(topic.symbol)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}.{}.{}.{}", self.event_type, self.exchange, self.symbol)
    }
}

/// Matches a glob, in linear time in practice and in `O(glob * text)` at worst. On a mismatch only the last `*` is
/// widened by one character, which suffices because an earlier one could only have taken less.
fn glob_matches(glob: &str, text: &str) -> bool {
    let (mut glob, mut text) = (glob.chars(), text.chars());
    let mut retry: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let before = text.clone();
        let stuck = match (glob.next(), text.next()) {
            (Some('*'), _) => {
                retry = Some((glob.clone(), before.clone()));
                text = before;
                false
            }
            (Some('?'), Some(_)) => false,
            (Some(wanted), Some(found)) => wanted != found,
            (None, None) => return true,
            _ => true,
        };
        if stuck {
            let Some((after_star, mut left)) = retry else { return false };
            if left.next().is_none() {
                return false;
            }
            (glob, text) = (after_star.clone(), left.clone());
            retry = Some((after_star, left));
        }
    }
}
