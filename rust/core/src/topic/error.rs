//! Errors in topics and patterns.

use std::fmt;

/// Reason why a text is no pattern, or a name cannot be part of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// The text is empty or only white space.
    Blank,
    /// A segment between two dots is empty.
    EmptySegment {
        /// Its place, counted from 1.
        place: usize,
    },
    /// The text contains a control character.
    Control {
        /// The character.
        found: char,
    },
    /// A name contains a character that means something in a pattern or a topic.
    Reserved {
        /// The character.
        found: char,
    },
    /// The name is `_`, which a topic writes for "none".
    Placeholder,
    /// An event type that is not `[a-z][a-z0-9_]*`.
    EventType,
    /// A pattern of several segments whose first can never be `events`.
    Prefix,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => write!(f, "it is blank"),
            Self::EmptySegment { place } => write!(f, "its segment {place} is empty; write * for any"),
            Self::Control { found } => write!(f, "it holds the control character U+{:04X}", u32::from(*found)),
            Self::Reserved { found } => write!(f, "it holds the reserved character {found:?}"),
            Self::Placeholder => write!(f, "'_' stands for none in a topic; leave the field out instead"),
            Self::EventType => {
                write!(f, "an event type is a lower-case letter followed by lower-case letters, digits and _")
            }
            Self::Prefix => write!(f, "a pattern of several segments starts with 'events.'"),
        }
    }
}

impl std::error::Error for NameError {}
