//! Events as columns in Arrow's memory layout.
//!
//! A field stands in one column with a real type, and perhaps some beside it for what that type cannot say. Where a column
//! of texts named "exact" says something, the field's own column is null. See [`Form`].

mod column;
mod sink;
mod source;

pub use column::{Buffers, Column, ColumnType, View};
pub use sink::ColumnSink;
pub use source::ColumnSource;

/// A decimal column has this many places after the point.
const SCALE: i32 = 18;

/// And this many digits in all.
const DIGITS: usize = 38;

/// How the values of a field stand in columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Texts.
    Text,
    /// JSON as text.
    Json,
    /// Bits.
    Bool,
    /// Floats of 64 bits.
    Float,
    /// Integers of 64 bits; the exact text of those beyond.
    Int,
    /// Decimals of 38 digits, 18 of them after the point; their exponent; the exact text of those that do not fit.
    Decimal,
    /// Microseconds since 1970.
    Utc,
    /// The same; the exact text of times that are not in UTC.
    Time,
}

impl Form {
    /// The form of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "json" => Self::Json,
            "bool" => Self::Bool,
            "float" => Self::Float,
            "int" => Self::Int,
            "decimal" => Self::Decimal,
            "utc" => Self::Utc,
            "time" => Self::Time,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Bool => "bool",
            Self::Float => "float",
            Self::Int => "int",
            Self::Decimal => "decimal",
            Self::Utc => "utc",
            Self::Time => "time",
        }
    }

    /// What its columns hold, the field's own first.
    #[must_use]
    pub fn column_types(self) -> &'static [ColumnType] {
        match self {
            Self::Text | Self::Json => &[ColumnType::Text],
            Self::Bool => &[ColumnType::Bit],
            Self::Float => &[ColumnType::Float],
            Self::Decimal => &[ColumnType::Decimal, ColumnType::Small, ColumnType::Text],
            Self::Utc => &[ColumnType::Int],
            Self::Int | Self::Time => &[ColumnType::Int, ColumnType::Text],
        }
    }
}
