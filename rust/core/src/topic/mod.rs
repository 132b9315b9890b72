//! Topics: `events.{event_type}.{exchange}.{symbol}`; the symbol takes all the rest.

mod error;
mod pattern;

pub use error::NameError;
pub use pattern::{Pattern, Segment};

/// The first segment of every topic.
pub const PREFIX: &str = "events";

/// Written in a topic for an exchange or a symbol that an event does not have.
pub const NONE: &str = "_";

/// The three parts of a topic that vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Topic<'a> {
    /// The event type, such as `tick`.
    pub event_type: &'a str,
    /// The exchange, or [`NONE`].
    pub exchange: &'a str,
    /// The symbol, dots and all, or [`NONE`].
    pub symbol: &'a str,
}

impl<'a> Topic<'a> {
    /// Parses a topic; `None` if the text is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(4, '.');
        if parts.next()? != PREFIX {
            return None;
        }
        let topic = Self { event_type: parts.next()?, exchange: parts.next()?, symbol: parts.next()? };
        let whole = !topic.event_type.is_empty() && !topic.exchange.is_empty() && !topic.symbol.is_empty();
        whole.then_some(topic)
    }

    /// The topic as one text.
    #[must_use]
    pub fn text(&self) -> String {
        [PREFIX, self.event_type, self.exchange, self.symbol].join(".")
    }
}

/// Accepts a name that can be an event type: `[a-z][a-z0-9_]*`.
///
/// # Errors
/// [`NameError::EventType`] for any other.
pub fn check_event_type(name: &str) -> Result<(), NameError> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
    let rest = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if first && rest { Ok(()) } else { Err(NameError::EventType) }
}

/// Accepts a name that can be an exchange: no dot, wildcard or control character, not blank, not `_`.
///
/// # Errors
/// The first rule that the name breaks.
pub fn check_exchange(name: &str) -> Result<(), NameError> {
    check_name(name, &['*', '?', '.'])
}

/// Accepts a name that can be a symbol: no wildcard or control character, not blank, not `_`.
///
/// # Errors
/// The first rule that the name breaks.
pub fn check_symbol(name: &str) -> Result<(), NameError> {
    check_name(name, &['*', '?'])
}

fn check_name(name: &str, reserved: &[char]) -> Result<(), NameError> {
    if let Some(found) = name.chars().find(|c| c.is_control()) {
        return Err(NameError::Control { found });
    }
    if name.trim().is_empty() {
        return Err(NameError::Blank);
    }
    if name == NONE {
        return Err(NameError::Placeholder);
    }
    match name.chars().find(|c| reserved.contains(c)) {
        Some(found) => Err(NameError::Reserved { found }),
        None => Ok(()),
    }
}
