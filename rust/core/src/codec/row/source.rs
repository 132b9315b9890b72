//! Reading rows.

use super::head::{event_type_of, mark_of};
use super::{
    BIG_INT, BYTES, DECIMAL, FALSE, FIRST_INTERNED, FLOAT, ID, INT, INTERNED, LATER, LIST, MAP, MOMENT, NAME, NONE,
    SHORT_DECIMAL, SHORT_TEXT, TEXT, TRUE, UNSIGNED, unzigzag,
};
use crate::codec::decimal::{Decimal, MANTISSA_END};
use crate::codec::error::DecodeError;
use crate::codec::layout::Layout;
use crate::codec::time::{FIRST_US, LAST_US};
use crate::codec::token::{Key, Source, Token};

/// Reads one event from its row, in which nothing is interned.
#[derive(Debug, Clone)]
pub struct RowSource<'a> {
    bytes: &'a [u8],
    at: usize,
    start: usize,
    moment: i64,
    names: Names<'a>,
}

/// The names of the fields whose values come next.
#[derive(Debug, Clone)]
enum Names<'a> {
    /// Those of the reader's layout, from this field on.
    Same(&'a str, usize),
    /// Others.
    Other(std::str::Split<'a, char>),
    /// So many values under other names, which stand before them.
    Extras(usize),
    /// If bytes are left, as many as a map says.
    Map,
}

/// What stands at a place of a row, before what it means is looked at.
pub(super) enum Piece<'a> {
    /// A text, and whether it comes again.
    Text(&'a str, bool),
    /// The number of an interned text.
    Interned(u64),
    /// Anything else.
    Token(Token<'a>),
}

/// What stands at a place of a row that is only to be made shorter.
pub(super) enum Glance<'a> {
    /// The bytes of a text, and whether it comes again.
    Text(&'a [u8], bool),
    /// A moment, not given by another.
    Moment(i64),
    /// Anything else.
    Other,
}

impl<'a> RowSource<'a> {
    /// Reads from the start of a row.
    #[must_use]
    pub fn new(row: &'a [u8]) -> Self {
        Self::after(0, row)
    }

    /// The same, where the first moment may be given as the time since another.
    pub(super) fn after(moment: i64, row: &'a [u8]) -> Self {
        Self { bytes: row, at: 0, start: 0, moment, names: Names::Extras(0) }
    }

    /// Begins the event, and says of which type it is.
    ///
    /// # Errors
    ///
    /// It is no row.
    pub fn begin(&mut self) -> Result<&'a str, DecodeError> {
        let (Token::Text(head) | Token::Name(head)) = self.next()? else {
            return Err(self.wrong("a row begins with the type of its event"));
        };
        self.names = Names::Same(head, 0);
        Ok(event_type_of(head))
    }

    /// The mark of the row that has been begun.
    #[must_use]
    pub fn mark(&self) -> Option<usize> {
        let Names::Same(head, _) = self.names else { return None };
        mark_of(head)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn wrong(&self, reason: impl Into<String>) -> DecodeError {
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
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.wrong("a number has more than 64 bits"))
    }

    fn counted(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.varint()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn text(&mut self, bytes: &'a [u8]) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(bytes).map_err(|wrong| self.wrong(format!("a text is not in UTF-8: {wrong}")))
    }

    /// Each of several values takes at least a byte.
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

    fn moment(&mut self, micros: Option<i64>) -> Result<Token<'a>, DecodeError> {
        match micros {
            Some(micros @ FIRST_US..=LAST_US) => {
                self.moment = micros;
                Ok(Token::Moment(micros))
            }
            _ => Err(self.wrong("a moment is not between the years 1 and 9999")),
        }
    }

    /// What stands next.
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
            DECIMAL => {
                let exponent = unzigzag(self.varint()?);
                let [length] = self.array()?;
                self.decimal(exponent, usize::from(length))?
            }
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

    /// What stands next, without a look at what it says.
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

    /// How many values under other names follow.
    fn extras(&mut self) -> Result<usize, DecodeError> {
        if self.is_at_end() {
            return Ok(0);
        }
        match self.next()? {
            Token::Map(count) => Ok(count),
            other => Err(self.wrong(format!("{} follows the fields", other.kind()))),
        }
    }

    fn finish(&self) -> Result<Option<Key<'a>>, DecodeError> {
        if self.is_at_end() {
            return Ok(None);
        }
        Err(DecodeError::new(self.at, "bytes follow the end of the row"))
    }

    fn extra(&mut self) -> Result<Option<Key<'a>>, DecodeError> {
        match self.next()? {
            Token::Text(name) | Token::Name(name) => Ok(Some(Key::Extra(name))),
            other => Err(self.wrong(format!("a key of its map is {}, not a text", other.kind()))),
        }
    }
}

impl<'a> Source<'a> for RowSource<'a> {
    fn next_key(&mut self, layout: &Layout) -> Result<Option<Key<'a>>, DecodeError> {
        loop {
            match &mut self.names {
                Names::Same(head, 0) if **head != *layout.row.text => {
                    let mut names = head.split('\0');
                    names.next();
                    self.names = Names::Other(names);
                }
                Names::Same(_, place) => {
                    let index = layout.row.fields.get(*place).copied();
                    *place += 1;
                    if index.is_some() {
                        return Ok(index.map(Key::Field));
                    }
                    self.names = Names::Map;
                }
                Names::Other(names) => {
                    if let Some(name) = names.next() {
                        let index = layout.names().iter().position(|known| known == name);
                        return Ok(Some(index.map_or(Key::Extra(name), Key::Field)));
                    }
                    self.names = Names::Map;
                }
                Names::Map => {
                    let left = self.extras()?;
                    self.names = Names::Extras(left);
                }
                Names::Extras(0) => return self.finish(),
                Names::Extras(left) => {
                    *left -= 1;
                    return self.extra();
                }
            }
        }
    }

    #[inline]
    fn next(&mut self) -> Result<Token<'a>, DecodeError> {
        match self.piece()? {
            Piece::Text(text, false) => Ok(Token::Text(text)),
            Piece::Text(text, true) => Ok(Token::Name(text)),
            Piece::Token(token) => Ok(token),
            Piece::Interned(number) => Err(self.wrong(format!("the interned text {number} was not put in"))),
        }
    }

    fn offset(&self) -> usize {
        self.start
    }
}

/// A row that this process has written itself.
#[derive(Debug, Clone)]
pub struct OwnRow<'a>(RowSource<'a>);

impl<'a> OwnRow<'a> {
    /// Reads on from where the row itself is read.
    #[must_use]
    pub fn new(source: RowSource<'a>) -> Self {
        Self(source)
    }
}

impl<'a> Source<'a> for OwnRow<'a> {
    const TRUSTED: bool = true;

    fn next_key(&mut self, layout: &Layout) -> Result<Option<Key<'a>>, DecodeError> {
        self.0.next_key(layout)
    }

    #[inline]
    fn next(&mut self) -> Result<Token<'a>, DecodeError> {
        self.0.next()
    }

    fn offset(&self) -> usize {
        self.0.offset()
    }
}
