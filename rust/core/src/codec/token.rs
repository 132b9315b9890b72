//! Tokens between a walk over an event and its forms.

use super::decimal::Decimal;
use super::error::DecodeError;
use super::layout::Layout;

/// One value, or the head of several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token<'a> {
    /// Nothing.
    None,
    /// True or false.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A positive integer above the range of signed 64 bits.
    Unsigned(u64),
    /// An integer beyond both: big-endian, in two's complement.
    BigInt(&'a [u8]),
    /// A floating-point number.
    Float(f64),
    /// A text, or a decimal that [`Decimal`] does not hold.
    Text(&'a str),
    /// A text that is repeated often, such as a name.
    Name(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// 32 hex digits in lower case, as 16 bytes.
    Id([u8; 16]),
    /// A decimal.
    Decimal(Decimal),
    /// Microseconds since 1970, UTC.
    Moment(i64),
    /// So many values follow.
    List(usize),
    /// So many names, each with its value, follow.
    Map(usize),
}

impl Token<'_> {
    /// Name of the type, for errors.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "nil",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::Unsigned(_) | Self::BigInt(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) | Self::Name(_) => "a text",
            Self::Bytes(_) | Self::Id(_) => "bytes",
            Self::Decimal(_) => "a decimal",
            Self::Moment(_) => "a timestamp",
            Self::List(_) => "an array",
            Self::Map(_) => "a map",
        }
    }
}

/// Receives the tokens of a walk.
pub trait Sink {
    /// True if each field has columns of its own: the event type is put too, and lists and maps are not.
    const COLUMNS: bool;

    /// True if an empty `metadata` is left out.
    const SPARSE: bool;

    /// True if the values may become columns later, when they can no longer be refused.
    const LASTING: bool;

    /// Begins an event; `extras` values follow its fields under names that its layout does not have.
    fn begin(&mut self, layout: &Layout, extras: usize);

    /// Begins a field.
    fn field(&mut self, layout: &Layout, index: usize);

    /// Begins a value under another name.
    fn extra(&mut self, name: &str);

    /// Puts a value, or the head of several.
    fn put(&mut self, token: Token<'_>);

    /// Ends the event.
    fn end(&mut self);
}

/// The purpose of an event's next value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// The field with this index.
    Field(usize),
    /// A name that is not in the layout.
    Extra(&'a str),
    /// All other names and values, as the text of one JSON object.
    Extras,
}

/// Provides the tokens of a walk.
pub trait Source<'a> {
    /// True if each field has columns of its own, in which lists and maps are JSON text.
    const COLUMNS: bool = false;

    /// True if all values were put by this process from existing events: they come back as they were and are not
    /// checked again.
    const TRUSTED: bool = false;

    /// The purpose of the next value, or `None` at the end of the event.
    ///
    /// # Errors
    ///
    /// The source has no event.
    fn next_key(&mut self, layout: &Layout) -> Result<Option<Key<'a>>, DecodeError>;

    /// The next value, or the head of several. The count of a list or a map never exceeds what can follow.
    ///
    /// # Errors
    ///
    /// The source has no value.
    fn next(&mut self) -> Result<Token<'a>, DecodeError>;

    /// Start of the current value.
    fn offset(&self) -> usize;

    /// Skips the next value with all that it contains.
    ///
    /// # Errors
    ///
    /// The source has no value.
    fn skip(&mut self) -> Result<(), DecodeError> {
        let mut values = 1_usize;
        while values > 0 {
            values -= 1;
            match self.next()? {
                Token::List(count) => values += count,
                Token::Map(count) => values += 2 * count,
                _ => {}
            }
        }
        Ok(())
    }
}
