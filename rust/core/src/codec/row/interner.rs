//! Interning of repeated texts.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

use super::reader::{Glance, Piece, RowReader};
use super::sink::{put_interned, put_text};
use super::{LATER, MOMENT, NAME, zigzag};
use crate::codec::error::DecodeError;
use crate::codec::token::Token;
use crate::codec::varint::put_varint;

/// Greatest number of texts.
const MAX_TEXTS: usize = 1 << 16;

/// Greatest number of bytes of all texts.
const MAX_BYTES: usize = 1 << 23;

/// Length of a text up to which it is interned when it comes for the second time.
const MAX_TEXT_BYTES: usize = 64;

/// Length of a name up to which it is interned at once.
const MAX_NAME_BYTES: usize = 4096;

/// Number of texts remembered that have come once; a power of two.
const REMEMBERED: usize = 1 << 12;

/// The interned texts of many rows. Whoever stores the rows needs it to read them; a writer of a file writes
/// [`texts`](Self::texts) too, each before the first row that uses it.
///
/// A name is interned at once, another short text when it comes for the second time, so that texts which never come
/// again take no memory.
#[derive(Debug)]
pub struct Interner {
    texts: Vec<Box<str>>,
    numbers: HashMap<Box<[u8]>, u32, FxBuildHasher>,
    bytes: usize,
    seen: Box<[u64]>,
}

impl Default for Interner {
    fn default() -> Self {
        Self { texts: Vec::new(), numbers: HashMap::default(), bytes: 0, seen: vec![0; REMEMBERED].into() }
    }
}

impl Interner {
    /// The interner with these texts, in the order of their numbers.
    pub fn from_texts<T: Into<Box<str>>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut interner = Self::default();
        for text in texts {
            interner.add(&text.into());
        }
        interner
    }

    /// Its texts, in the order of their numbers. It never forgets one.
    #[must_use]
    pub fn texts(&self) -> &[Box<str>] {
        &self.texts
    }

    /// Bytes that it takes, approximately.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        2 * self.bytes + self.texts.len() * size_of::<(Box<str>, Box<str>, u32)>() + size_of_val(&*self.seen)
    }

    /// True if it takes no more texts.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.texts.len() >= MAX_TEXTS || self.bytes >= MAX_BYTES
    }

    /// Appends a row to bytes, with numbers in place of repeated texts.
    ///
    /// # Errors
    ///
    /// The bytes are no row.
    pub fn shrink(&mut self, row: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        self.shrink_after(None, row, out)
    }

    /// The same, with the row's first timestamp relative to `since`.
    ///
    /// # Errors
    ///
    /// The bytes are no row.
    pub fn shrink_after(&mut self, since: Option<i64>, row: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let mut since = since;
        let mut source = RowReader::after(0, row);
        while !source.is_at_end() {
            let start = source.at();
            match source.glance()? {
                Glance::Text(text, is_name) => match self.number(text, is_name) {
                    Some(number) => put_interned(out, number),
                    None => put_text(out, text),
                },
                Glance::Moment(micros) => match since.take().and_then(|since| micros.checked_sub(since)) {
                    Some(later) => {
                        out.push(LATER);
                        put_varint(out, zigzag(later));
                    }
                    None => out.extend_from_slice(&row[start..source.at()]),
                },
                Glance::Other => out.extend_from_slice(&row[start..source.at()]),
            }
        }
        Ok(())
    }

    /// Appends a shrunk row to bytes, as it was.
    ///
    /// # Errors
    ///
    /// The bytes are no row, or of another interner.
    pub fn expand(&self, row: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        self.expand_after(None, row, out)
    }

    /// The same for a row whose first timestamp is relative to `since`.
    ///
    /// # Errors
    ///
    /// The bytes are no row, or of another interner.
    pub fn expand_after(&self, since: Option<i64>, row: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let mut since = since;
        let mut source = RowReader::after(since.unwrap_or_default(), row);
        while !source.is_at_end() {
            let start = source.at();
            match source.piece()? {
                Piece::Interned(number) => {
                    let text = self.text(start, number)?;
                    out.push(NAME);
                    put_varint(out, text.len() as u64);
                    out.extend_from_slice(text.as_bytes());
                }
                Piece::Token(Token::Moment(micros)) if since.take().is_some() => {
                    out.push(MOMENT);
                    out.extend_from_slice(&micros.to_le_bytes());
                }
                _ => out.extend_from_slice(&row[start..source.at()]),
            }
        }
        Ok(())
    }

    /// The text of a number that was read at an offset of a row.
    pub(super) fn text(&self, place: usize, number: u64) -> Result<&str, DecodeError> {
        let text = usize::try_from(number).ok().and_then(|number| self.texts.get(number));
        text.map(AsRef::as_ref).ok_or_else(|| DecodeError::new(place, format!("no text has the number {number}")))
    }

    fn number(&mut self, text: &[u8], is_name: bool) -> Option<u32> {
        if !(2..=if is_name { MAX_NAME_BYTES } else { MAX_TEXT_BYTES }).contains(&text.len()) {
            return None;
        }
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        let text = (!self.is_full() && (is_name || self.has_come(text))).then(|| std::str::from_utf8(text).ok());
        text.flatten().map(|text| self.add(text))
    }

    /// True if a text has come lately; otherwise it is remembered.
    fn has_come(&mut self, text: &[u8]) -> bool {
        let hash = FxBuildHasher.hash_one(text);
        let place = usize::try_from(hash % REMEMBERED as u64).unwrap_or_default();
        std::mem::replace(&mut self.seen[place], hash) == hash
    }

    fn add(&mut self, text: &str) -> u32 {
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.bytes += text.len();
        self.texts.push(text.into());
        self.numbers.insert(text.as_bytes().into(), number);
        number
    }
}
