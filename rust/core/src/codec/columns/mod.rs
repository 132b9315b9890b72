//! Events as columns in Arrow's memory layout.
//!
//! A field has one column with a real type, and further ones for what that type cannot express. Where the column named
//! "exact" has a text, the field's own column is null. See [`Form`].

mod column;
mod sink;
mod source;

pub use column::{Buffers, Column, ColumnType, View};
pub use sink::ColumnSink;
pub use source::ColumnSource;

/// Places after the point in a decimal column.
const SCALE: i32 = 18;

/// Digits in a decimal column.
const DIGITS: usize = 38;

/// Form of a field's values in columns.
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
    /// Integers of 64 bits; the exact text of larger ones.
    Int,
    /// Decimals of 38 digits, 18 of them after the point; their exponent; the exact text of those that do not fit.
    Decimal,
    /// Microseconds since 1970.
    Utc,
    /// Microseconds since 1970; the exact text of times that are not in UTC.
    Time,
}

impl Form {
    /// The form with a name.
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

    /// Types of its columns, the field's own first.
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
