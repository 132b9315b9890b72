//! Limits of the values of a field.

use std::fmt;

use crate::topic::{NameError, check_exchange, check_symbol};

/// Limits of the values of a field.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// True if infinity and NaN are excluded.
    pub finite: bool,
    /// Comparisons with numbers; those of decimals are with zero.
    pub comparisons: Vec<(Comparison, Limit)>,
    /// Least length of a text, in characters, or of a list.
    pub min_length: Option<usize>,
    /// Greatest length.
    pub max_length: Option<usize>,
    /// Rules for a text that is a name.
    pub name: Option<Name>,
}

/// Comparison of a value with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Above it.
    Above,
    /// Above it, or equal.
    AtLeast,
    /// Below it.
    Below,
    /// Below it, or equal.
    AtMost,
}

/// Limit that a value is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// An integer.
    Int(i64),
    /// Any number.
    Float(f64),
}

/// Names with rules of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// Of an exchange.
    Exchange,
    /// Of an instrument.
    Symbol,
}

impl Comparison {
    fn holds<T: PartialOrd>(self, value: &T, limit: &T) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
        }
    }
}

impl Name {
    /// Accepts a text that can be such a name.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn check(self, text: &str) -> Result<(), NameError> {
        match self {
            Self::Exchange => check_exchange(text),
            Self::Symbol => check_symbol(text),
        }
    }
}

impl Limits {
    /// True if a list or a text may have this length.
    #[must_use]
    pub fn hold_length(&self, length: usize) -> bool {
        self.min_length.is_none_or(|least| length >= least) && self.max_length.is_none_or(|most| length <= most)
    }

    /// True if a text may have its length.
    #[must_use]
    pub fn hold_length_of(&self, text: &str) -> bool {
        let least = self.min_length.unwrap_or(0);
        (least == 0 || (least == 1 && !text.is_empty()) || text.chars().count() >= least)
            && self.max_length.is_none_or(|most| text.len() <= most || text.chars().count() <= most)
    }

    /// True if a text is within the limits, of its length and as a name.
    #[must_use]
    pub fn hold_text(&self, text: &str) -> bool {
        self.hold_length_of(text) && self.name.is_none_or(|name| name.check(text).is_ok())
    }

    /// True if an integer of 64 bits is within the limits.
    #[must_use]
    pub fn hold_int(&self, int: i64) -> bool {
        self.comparisons.iter().all(|(comparison, limit)| match *limit {
            Limit::Int(limit) => comparison.holds(&int, &limit),
            #[expect(clippy::cast_precision_loss, reason = "a limit that is no integer is compared as a float")]
            Limit::Float(limit) => comparison.holds(&(int as f64), &limit),
        })
    }

    /// True if there is a limit above, or below, so that no integer beyond 64 bits is within the limits.
    #[must_use]
    pub fn end(&self, above: bool) -> bool {
        let ends: &[Comparison] =
            if above { &[Comparison::Below, Comparison::AtMost] } else { &[Comparison::Above, Comparison::AtLeast] };
        self.comparisons.iter().any(|(comparison, _)| ends.contains(comparison))
    }

    /// True if a float is within the limits.
    #[must_use]
    pub fn hold_float(&self, float: f64) -> bool {
        (float.is_finite() || !self.finite)
            && self.comparisons.iter().all(|(comparison, limit)| match *limit {
                #[expect(clippy::cast_precision_loss, reason = "as Python compares, up to 2**53")]
                Limit::Int(limit) => comparison.holds(&float, &(limit as f64)),
                Limit::Float(limit) => comparison.holds(&float, &limit),
            })
    }

    /// True if a finite decimal of these signs is within the limits, which are all zero.
    #[must_use]
    pub fn hold_sign(&self, negative: bool, zero: bool) -> bool {
        let sign = if zero {
            0
        } else if negative {
            -1
        } else {
            1
        };
        self.comparisons.iter().all(|(comparison, _)| comparison.holds(&sign, &0))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Above => "above",
            Self::AtLeast => "at least",
            Self::Below => "below",
            Self::AtMost => "at most",
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(limit) => write!(out, "{limit}"),
            Self::Float(limit) => write!(out, "{limit}"),
        }
    }
}

/// Describes the limits, as in "at least 0 and finite".
impl fmt::Display for Limits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compared = self.comparisons.iter().map(|(comparison, limit)| format!("{comparison} {limit}"));
        let least = self.min_length.iter().map(|least| format!("at least {least} long"));
        let most = self.max_length.iter().map(|most| format!("at most {most} long"));
        let finite = self.finite.then(|| String::from("finite"));
        out.write_str(&compared.chain(least).chain(most).chain(finite).collect::<Vec<_>>().join(" and "))
    }
}
