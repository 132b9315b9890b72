//! Types of fields.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::codec::limits::Limits;
use crate::codec::token::Token;

/// Type of a field, or of a part of one.
#[derive(Debug)]
pub enum FieldType {
    /// No value.
    None,
    /// True or false.
    Bool,
    /// Integers.
    Int(Limits),
    /// Floats.
    Float(Limits),
    /// Texts.
    Text(Text),
    /// Texts that are usually 32 hex digits.
    Id(Text),
    /// Finite decimals.
    Decimal(Limits),
    /// Timestamps in UTC.
    Moment,
    /// One of these values.
    Choice(Vec<Choice>),
    /// A value of this type, or none.
    Optional(Box<FieldType>),
    /// An object of plain JSON values.
    Json,
    /// Any number of values of this type.
    List(Box<FieldType>, Limits),
    /// One value of each type.
    Tuple(Vec<FieldType>),
    /// A model with these fields.
    Model(Vec<(String, FieldType)>),
}

/// One value of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// A text.
    Text(String),
    /// An integer.
    Int(i64),
    /// True or false.
    Bool(bool),
}

impl Choice {
    pub(super) fn is(&self, token: &Token<'_>) -> bool {
        match (self, token) {
            (Self::Text(own), Token::Text(text)) => own == text,
            (Self::Int(own), Token::Int(int)) => own == int,
            (Self::Bool(own), Token::Bool(truth)) => own == truth,
            _ => false,
        }
    }
}

/// Rules for a text.
#[derive(Debug, Default)]
pub struct Text {
    /// Limits of its length, and rules of names.
    pub limits: Limits,
    /// A check that only the caller can make.
    pub check: Option<Check>,
    /// The last text that passed, which usually comes again.
    held: Mutex<String>,
}

impl Text {
    /// Texts within these limits.
    #[must_use]
    pub fn new(limits: Limits, check: Option<Check>) -> Self {
        Self { limits, check, held: Mutex::default() }
    }

    pub(super) fn holds(&self, text: &str) -> bool {
        if self.check.is_none() && self.limits.name.is_none() {
            return self.limits.hold_text(text);
        }
        if !text.is_empty() && *self.held.lock().unwrap_or_else(PoisonError::into_inner) == text {
            return true;
        }
        let holds = self.limits.hold_text(text) && self.check.as_ref().is_none_or(|check| (check.0)(text));
        if holds {
            text.clone_into(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner));
        }
        holds
    }
}

/// A check of a text that only the caller can make.
pub struct Check(pub Box<dyn Fn(&str) -> bool + Send + Sync>);

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Check")
    }
}
