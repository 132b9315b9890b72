//! Reading the values of a row one by one.

use super::{
    BIG_INT, BYTES, DECIMAL, FALSE, FIRST_INTERNED, FLOAT, ID, INT, INTERNED, LATER, LIST, MAP, MOMENT, NAME, NONE,
    SHORT_DECIMAL, SHORT_TEXT, TEXT, TRUE, UNSIGNED, unzigzag,
};
use crate::codec::decimal::{Decimal, MANTISSA_END};
use crate::codec::error::DecodeError;
use crate::codec::time::{FIRST_US, LAST_US};
use crate::codec::token::Token;
use crate::codec::varint::{VarintError, read_varint};

/// A value of a row.
pub(super) enum Piece<'a> {
    /// A text, and true if it is repeated often.
    Text(&'a str, bool),
    /// The number of an interned text.
    Interned(u64),
    /// Anything else.
    Token(Token<'a>),
}

/// A value of a row that is only to be shortened, not validated.
pub(super) enum Glance<'a> {
    /// The bytes of a text, and true if it is repeated often.
    Text(&'a [u8], bool),
    /// A timestamp in full.
    Moment(i64),
    /// Anything else.
    Other,
}

/// Reads one value after the other.
#[derive(Debug, Clone)]
pub(super) struct RowReader<'a> {
    bytes: &'a [u8],
    at: usize,
    start: usize,
    /// The last timestamp, or the one that the first is relative to.
    moment: i64,
}

impl<'a> RowReader<'a> {
    /// A reader of a row whose first timestamp may be relative to another.
    pub(super) fn after(moment: i64, row: &'a [u8]) -> Self {
        Self { bytes: row, at: 0, start: 0, moment }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Start of the current value.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    pub(super) fn wrong(&self, reason: impl Into<String>) -> DecodeError {
        DecodeError::new(self.start, reason)
    }

    #[inline]
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.get(..count));
        let found = found.ok_or_else(|| self.wrong("the row ends before its value does"))?;
        self.at += count;
        Ok(found)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk());
        let found = *found.ok_or_else(|| self.wrong("the row ends before its value does"))?;
        self.at += N;
        Ok(found)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, DecodeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (number, size) = read_varint(rest).map_err(|error| match error {
            VarintError::CutShort => self.wrong("the row ends before its value does"),
            VarintError::TooLong => self.wrong("a number has more than 64 bits"),
        })?;
        self.at += size;
        Ok(number)
    }

    fn counted(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.varint()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn text(&mut self, bytes: &'a [u8]) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(bytes).map_err(|wrong| self.wrong(format!("a text is not in UTF-8: {wrong}")))
    }

    /// Reads a count and checks it: each value takes at least one byte.
    fn count(&mut self, values: usize) -> Result<usize, DecodeError> {
        let count = self.varint()?;
        let left = self.bytes.len() - self.at;
        match usize::try_from(count) {
            Ok(count) if count.saturating_mul(values) <= left => Ok(count),
            _ => Err(self.wrong(format!("{count} entries are announced, and {left} bytes are left"))),
        }
    }

    fn decimal(&mut self, exponent: i64, length: usize) -> Result<Token<'a>, DecodeError> {
        let mut bytes = [0; 16];
        let found = self.take(length)?;
        let room = bytes.get_mut(..length).ok_or_else(|| self.wrong("a decimal has more than 16 bytes"))?;
        room.copy_from_slice(found);
        let twice = u128::from_le_bytes(bytes);
        let (negative, mantissa) = (twice & 1 == 1, twice >> 1);
        match i32::try_from(exponent) {
            Ok(exponent) if mantissa < MANTISSA_END => Ok(Token::Decimal(Decimal { negative, mantissa, exponent })),
            _ => Err(self.wrong("a decimal has more than 38 digits, or too great an exponent")),
        }
    }

    fn long_decimal(&mut self) -> Result<Token<'a>, DecodeError> {
        let exponent = unzigzag(self.varint()?);
        let [length] = self.array()?;
        self.decimal(exponent, usize::from(length))
    }

    fn moment(&mut self, micros: Option<i64>) -> Result<Token<'a>, DecodeError> {
        match micros {
            Some(micros @ FIRST_US..=LAST_US) => {
                self.moment = micros;
                Ok(Token::Moment(micros))
            }
            _ => Err(self.wrong("a moment is not between the years 1 and 9999")),
        }
    }

    /// Reads the next value.
    #[inline]
    pub(super) fn piece(&mut self) -> Result<Piece<'a>, DecodeError> {
        self.start = self.at;
        let [tag] = self.array()?;
        let token = match tag {
            NONE => Token::None,
            FALSE => Token::Bool(false),
            TRUE => Token::Bool(true),
            INT => Token::Int(unzigzag(self.varint()?)),
            BIG_INT => Token::BigInt(self.counted()?),
            UNSIGNED => Token::Unsigned(u64::from_le_bytes(self.array()?)),
            FLOAT => Token::Float(f64::from_bits(u64::from_le_bytes(self.array()?))),
            TEXT | NAME => {
                let bytes = self.counted()?;
                return Ok(Piece::Text(self.text(bytes)?, tag == NAME));
            }
            BYTES => Token::Bytes(self.counted()?),
            ID => Token::Id(self.array()?),
            DECIMAL => self.long_decimal()?,
            MOMENT => {
                let micros = i64::from_le_bytes(self.array()?);
                self.moment(Some(micros))?
            }
            LATER => {
                let later = unzigzag(self.varint()?);
                self.moment(self.moment.checked_add(later))?
            }
            LIST => Token::List(self.count(1)?),
            MAP => Token::Map(self.count(2)?),
            INTERNED => return Ok(Piece::Interned(self.varint()?)),
            SHORT_TEXT..FIRST_INTERNED => {
                let bytes = self.take(usize::from(tag - SHORT_TEXT))?;
                return Ok(Piece::Text(self.text(bytes)?, false));
            }
            FIRST_INTERNED..SHORT_DECIMAL => return Ok(Piece::Interned(u64::from(tag - FIRST_INTERNED))),
            SHORT_DECIMAL.. => self.decimal(-i64::from(tag >> 3 & 15), usize::from(tag & 7))?,
            _ => return Err(self.wrong(format!("the byte {tag:02x} means nothing"))),
        };
        Ok(Piece::Token(token))
    }

    /// Reads the next value without validating it.
    #[inline]
    pub(super) fn glance(&mut self) -> Result<Glance<'a>, DecodeError> {
        self.start = self.at;
        let [tag] = self.array()?;
        let length = match tag {
            SHORT_DECIMAL.. => usize::from(tag & 7),
            SHORT_TEXT..FIRST_INTERNED => return Ok(Glance::Text(self.take(usize::from(tag - SHORT_TEXT))?, false)),
            NONE | FALSE | TRUE => 0,
            UNSIGNED | FLOAT => 8,
            MOMENT => return Ok(Glance::Moment(i64::from_le_bytes(self.array()?))),
            ID => 16,
            TEXT | NAME => return Ok(Glance::Text(self.counted()?, tag == NAME)),
            BIG_INT | BYTES => usize::try_from(self.varint()?).unwrap_or(usize::MAX),
            INT | LATER | LIST | MAP => {
                self.varint()?;
                0
            }
            DECIMAL => {
                self.varint()?;
                let [length] = self.array()?;
                usize::from(length)
            }
            _ => {
                return Err(self.wrong(format!("the byte {tag:02x} means nothing, or a text that is interned already")));
            }
        };
        self.take(length)?;
        Ok(Glance::Other)
    }
}
