//! Reading msgpack.

use super::names::{VERSION, unescape};
use super::{BIG_INT, TIMESTAMP};
use crate::codec::error::DecodeError;
use crate::codec::layout::Layout;
use crate::codec::time::{FIRST_US, LAST_US};
use crate::codec::token::{Key, Source, Token};

/// Reads events from bytes.
#[derive(Debug, Clone)]
pub struct MsgpackSource<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Start of the current value.
    start: usize,
    /// Number of entries left in the event, and index of the field that is expected next.
    entries: usize,
    expected: usize,
}

/// Type and place of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// Its type.
    pub event_type: &'a str,
    /// Offset of its map.
    pub offset: usize,
}

impl<'a> MsgpackSource<'a> {
    /// A source over these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, start: 0, entries: 0, expected: 0 }
    }

    /// Begins an event: finds its version and type, usually the first two entries, and returns to the first entry.
    ///
    /// # Errors
    ///
    /// The next value is no event, or of a later version.
    pub fn begin(&mut self) -> Result<Head<'a>, DecodeError> {
        let Token::Map(entries) = self.next()? else {
            return Err(self.wrong("it is no event: an event is a map"));
        };
        let offset = self.start;
        (self.entries, self.expected) = (entries, 0);
        let (first, mut version, mut event_type) = (self.at, None, None);
        for _ in 0..entries {
            match self.key()? {
                "_v" => version = Some(self.version()?),
                "_t" => event_type = Some(self.type_name()?),
                _ => self.skip()?,
            }
            if version.is_some() && event_type.is_some() {
                break;
            }
        }
        self.at = first;
        if version.is_none() {
            return Err(DecodeError::new(offset, "it is no event: its map has no version, _v"));
        }
        let event_type = event_type.ok_or_else(|| DecodeError::new(offset, "its map has no event type, _t"))?;
        Ok(Head { event_type, offset })
    }

    /// Begins a batch, and returns the number of its events.
    ///
    /// # Errors
    ///
    /// The next value is no array.
    pub fn begin_batch(&mut self) -> Result<usize, DecodeError> {
        match self.next()? {
            Token::List(count) => Ok(count),
            other => Err(self.wrong(format!("it is no batch: a batch is an array, not {}", other.type_name()))),
        }
    }

    /// Accepts the end of the bytes.
    ///
    /// # Errors
    ///
    /// More bytes follow.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            more => Err(DecodeError::new(self.at, format!("{more} bytes follow the end"))),
        }
    }

    fn wrong(&self, reason: impl Into<String>) -> DecodeError {
        DecodeError::new(self.start, reason)
    }

    fn version(&mut self) -> Result<(), DecodeError> {
        match self.next()? {
            Token::Int(1..=VERSION) => Ok(()),
            Token::Int(version) => {
                Err(self.wrong(format!("its format has version {version}, and this release reads up to {VERSION}")))
            }
            other => Err(self.wrong(format!("its version is {}", other.type_name()))),
        }
    }

    fn type_name(&mut self) -> Result<&'a str, DecodeError> {
        match self.next()? {
            Token::Text(name) => Ok(name),
            other => Err(self.wrong(format!("its event type is {}", other.type_name()))),
        }
    }

    /// The next entry of the event; the contents of a list or a map are skipped.
    pub(in crate::codec) fn entry(&mut self) -> Result<Option<(&'a str, Token<'a>)>, DecodeError> {
        if self.entries == 0 {
            return Ok(None);
        }
        self.entries -= 1;
        let key = self.key()?;
        let before = self.at;
        let value = self.next()?;
        if matches!(value, Token::List(_) | Token::Map(_)) {
            self.at = before;
            self.skip()?;
        }
        Ok(Some((key, value)))
    }

    /// Takes the next value if it is a text of at most 31 bytes. This is faster than [`Source::next`].
    #[inline]
    pub(in crate::codec) fn short_text(&mut self) -> Option<&'a str> {
        let (code, rest) = self.bytes.get(self.at..)?.split_first()?;
        let length = usize::from(code.wrapping_sub(0xa0));
        let text = std::str::from_utf8(rest.get(..length).filter(|_| length < 32)?).ok()?;
        (self.start, self.at) = (self.at, self.at + 1 + length);
        Some(text)
    }

    /// Takes the next value if it is a timestamp of 64 bits.
    #[inline]
    pub(in crate::codec) fn short_moment(&mut self) -> Option<i64> {
        let [0xd7, 0xff, bits @ ..] = self.bytes.get(self.at..)?.first_chunk::<10>()? else { return None };
        let bits = u64::from_be_bytes(*bits);
        let (seconds, nanos) = (bits & ((1 << 34) - 1), bits >> 34);
        let micros = i64::try_from(seconds * 1_000_000 + nanos / 1000).ok()?;
        if nanos >= 1_000_000_000 || micros > LAST_US {
            return None;
        }
        (self.start, self.at) = (self.at, self.at + 10);
        Some(micros)
    }

    fn key(&mut self) -> Result<&'a str, DecodeError> {
        match self.next()? {
            Token::Text(key) => Ok(key),
            other => Err(self.wrong(format!("a key of its map is {}, not a text", other.type_name()))),
        }
    }

    #[inline]
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.get(..count));
        let found = found.ok_or_else(|| self.cut_short(count))?;
        self.at += count;
        Ok(found)
    }

    #[cold]
    fn cut_short(&self, count: usize) -> DecodeError {
        let left = self.bytes.len() - self.at;
        self.wrong(format!("the bytes end: a value takes {count}, and {left} are left"))
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk());
        let found = *found.ok_or_else(|| self.cut_short(N))?;
        self.at += N;
        Ok(found)
    }

    fn length<const N: usize>(&mut self) -> Result<usize, DecodeError> {
        Ok(self.array::<N>()?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    #[inline]
    fn text(&mut self, length: usize) -> Result<Token<'a>, DecodeError> {
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Token::Text(text)),
            Err(wrong) => Err(self.wrong(format!("a text is not in UTF-8: {wrong}"))),
        }
    }

    fn bytes(&mut self, length: usize) -> Result<Token<'a>, DecodeError> {
        Ok(Token::Bytes(self.take(length)?))
    }

    /// Checks a count: each value takes at least one byte.
    fn several(&mut self, count: usize, values: usize) -> Result<usize, DecodeError> {
        let left = self.bytes.len() - self.at;
        if count.saturating_mul(values) > left {
            return Err(self.wrong(format!("{count} entries are announced, and {left} bytes are left")));
        }
        Ok(count)
    }

    fn list(&mut self, count: usize) -> Result<Token<'a>, DecodeError> {
        self.several(count, 1).map(Token::List)
    }

    fn map(&mut self, count: usize) -> Result<Token<'a>, DecodeError> {
        self.several(count, 2).map(Token::Map)
    }

    fn unsigned(&mut self) -> Result<Token<'a>, DecodeError> {
        let int = u64::from_be_bytes(self.array()?);
        Ok(i64::try_from(int).map_or(Token::Unsigned(int), Token::Int))
    }

    fn extension(&mut self, length: usize) -> Result<Token<'a>, DecodeError> {
        let [kind] = self.array::<1>()?;
        let bytes = self.take(length)?;
        match i8::from_be_bytes([kind]) {
            TIMESTAMP => self.moment(bytes),
            BIG_INT if !bytes.is_empty() => Ok(Token::BigInt(bytes)),
            kind => Err(self.wrong(format!("an extension of type {kind} with {length} bytes is not known"))),
        }
    }

    fn moment(&self, bytes: &[u8]) -> Result<Token<'a>, DecodeError> {
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let (seconds, nanos) = match bytes.len() {
            4 => (number(bytes), 0),
            8 => (number(bytes) & ((1 << 34) - 1), number(bytes) >> 34),
            12 => (number(&bytes[4..]), number(&bytes[..4])),
            length => return Err(self.wrong(format!("a timestamp has {length} bytes"))),
        };
        if nanos >= 1_000_000_000 {
            return Err(self.wrong(format!("a timestamp has {nanos} nanoseconds")));
        }
        let micros = seconds
            .cast_signed()
            .checked_mul(1_000_000)
            .and_then(|whole| whole.checked_add((nanos / 1000).cast_signed()));
        match micros {
            Some(micros @ FIRST_US..=LAST_US) => Ok(Token::Moment(micros)),
            _ => Err(self.wrong("a timestamp is not between the years 1 and 9999")),
        }
    }
}

impl<'a> Source<'a> for MsgpackSource<'a> {
    #[inline]
    fn next_key(&mut self, layout: &Layout) -> Result<Option<Key<'a>>, DecodeError> {
        while self.entries > 0 {
            self.entries -= 1;
            // The event type comes first, so its place in the order of the fields is skipped.
            for index in self.expected..(self.expected + 2).min(layout.msgpack.packed.len()) {
                let key = &layout.msgpack.packed[index];
                if self.bytes[self.at..].starts_with(key) {
                    self.start = self.at;
                    self.at += key.len();
                    self.expected = index + 1;
                    return Ok(Some(Key::Field(index)));
                }
            }
            let key = self.key()?;
            if key == "_v" || key == "_t" {
                self.skip()?;
            } else if let Some(index) = layout.msgpack.index_of(key, self.expected) {
                self.expected = index + 1;
                return Ok(Some(Key::Field(index)));
            } else if let Some(name) = unescape(key) {
                return Ok(Some(Key::Extra(name)));
            } else {
                self.skip()?;
            }
        }
        Ok(None)
    }

    #[inline]
    fn next(&mut self) -> Result<Token<'a>, DecodeError> {
        self.start = self.at;
        let [code] = self.array::<1>()?;
        match code {
            0x00..=0x7f => Ok(Token::Int(i64::from(code))),
            0x80..=0x8f => self.map(usize::from(code & 15)),
            0x90..=0x9f => self.list(usize::from(code & 15)),
            0xa0..=0xbf => self.text(usize::from(code & 31)),
            0xc0 => Ok(Token::None),
            0xc1 => Err(self.wrong("the byte c1 means nothing")),
            0xc2 => Ok(Token::Bool(false)),
            0xc3 => Ok(Token::Bool(true)),
            0xc4 => self.length::<1>().and_then(|length| self.bytes(length)),
            0xc5 => self.length::<2>().and_then(|length| self.bytes(length)),
            0xc6 => self.length::<4>().and_then(|length| self.bytes(length)),
            0xc7 => self.length::<1>().and_then(|length| self.extension(length)),
            0xc8 => self.length::<2>().and_then(|length| self.extension(length)),
            0xc9 => self.length::<4>().and_then(|length| self.extension(length)),
            0xca => self.array().map(|bytes| Token::Float(f64::from(f32::from_be_bytes(bytes)))),
            0xcb => self.array().map(|bytes| Token::Float(f64::from_be_bytes(bytes))),
            0xcc => self.array().map(|bytes| Token::Int(i64::from(u8::from_be_bytes(bytes)))),
            0xcd => self.array().map(|bytes| Token::Int(i64::from(u16::from_be_bytes(bytes)))),
            0xce => self.array().map(|bytes| Token::Int(i64::from(u32::from_be_bytes(bytes)))),
            0xcf => self.unsigned(),
            0xd0 => self.array().map(|bytes| Token::Int(i64::from(i8::from_be_bytes(bytes)))),
            0xd1 => self.array().map(|bytes| Token::Int(i64::from(i16::from_be_bytes(bytes)))),
            0xd2 => self.array().map(|bytes| Token::Int(i64::from(i32::from_be_bytes(bytes)))),
            0xd3 => self.array().map(|bytes| Token::Int(i64::from_be_bytes(bytes))),
            0xd4..=0xd8 => self.extension(1 << (code - 0xd4)),
            0xd9 => self.length::<1>().and_then(|length| self.text(length)),
            0xda => self.length::<2>().and_then(|length| self.text(length)),
            0xdb => self.length::<4>().and_then(|length| self.text(length)),
            0xdc => self.length::<2>().and_then(|count| self.list(count)),
            0xdd => self.length::<4>().and_then(|count| self.list(count)),
            0xde => self.length::<2>().and_then(|count| self.map(count)),
            0xdf => self.length::<4>().and_then(|count| self.map(count)),
            0xe0..=0xff => Ok(Token::Int(i64::from(code.cast_signed()))),
        }
    }

    fn offset(&self) -> usize {
        self.start
    }
}
