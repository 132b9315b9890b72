//! What can be wrong with bytes or columns.

use std::fmt;

/// Why something holds no event, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// In bytes the offset of the value at fault, in columns the row.
    pub offset: usize,
    /// What is wrong.
    pub reason: String,
}

impl DecodeError {
    /// Something is wrong at an offset.
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
