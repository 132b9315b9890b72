//! Errors in bytes or columns.

use std::fmt;

/// Reason and place of a failure to decode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// In bytes the offset of the faulty value, in columns its row.
    pub offset: usize,
    /// The reason.
    pub reason: String,
}

impl DecodeError {
    /// A failure at an offset.
    pub fn new(offset: usize, reason: impl Into<String>) -> Self {
        Self { offset, reason: reason.into() }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.offset, self.reason)
    }
}

impl std::error::Error for DecodeError {}
