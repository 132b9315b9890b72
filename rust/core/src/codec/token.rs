//! The words between a walk and the forms of an event.

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
    /// A positive integer above them.
    Unsigned(u64),
    /// An integer beyond both: big-endian, in two's complement.
    BigInt(&'a [u8]),
    /// A floating-point number.
    Float(f64),
    /// A text, also that of a decimal which [`Decimal`] does not hold.
    Text(&'a str),
    /// A text that comes again and again, such as a name.
    Name(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// 32 hex digits in lower case, as the 16 bytes they write.
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
    /// What it is, in words for an error.
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

/// Where a walk puts what it finds.
pub trait Sink {
    /// Whether each field has columns of its own, so that the event type is put too, and no lists or maps are.
    const COLUMNS: bool;

    /// Whether an empty `metadata` is left out.
    const SPARSE: bool;

    /// Whether what is put may become columns later, when nobody can refuse it.
    const LASTING: bool;

    /// Begins an event; `extras` values follow its fields under names that its layout does not have.
    fn begin(&mut self, layout: &Layout, extras: usize);

    /// Says which field the next value is for.
    fn field(&mut self, layout: &Layout, index: usize);

    /// Says under which other name the next value stands.
    fn extra(&mut self, name: &str);

    /// Puts a value, or the head of several.
    fn put(&mut self, token: Token<'_>);

    /// Ends the event.
    fn end(&mut self);
}

/// What the next value of an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// The field of this index.
    Field(usize),
    /// A name that the layout does not have.
    Extra(&'a str),
    /// All other names with their values, as the text of one JSON object.
    Extras,
}

/// Where a walk gets what it builds an event of.
pub trait Source<'a> {
    /// Whether each field has columns of its own, so that lists and maps stand there as JSON text.
    const COLUMNS: bool = false;

    /// Whether it holds only what this process has put in, of events that were there: they come back as they were, and
    /// nothing is checked again.
    const TRUSTED: bool = false;

    /// What the next value of the event is for, or nothing at its end.
    ///
    /// # Errors
    ///
    /// It holds no event.
    fn next_key(&mut self, layout: &Layout) -> Result<Option<Key<'a>>, DecodeError>;

    /// The next value, or the head of several. What a list or a map says to hold is never more than what can follow.
    ///
    /// # Errors
    ///
    /// It holds no value.
    fn next(&mut self) -> Result<Token<'a>, DecodeError>;

    /// Where the value that was last asked for begins.
    fn offset(&self) -> usize;

    /// Leaves out the next value with all that it holds.
    ///
    /// # Errors
    ///
    /// It holds no value.
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
