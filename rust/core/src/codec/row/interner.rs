//! Texts that come again and again, by number.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

use super::NAME;
use super::sink::{put_interned, put_text, put_varint};
use super::source::{Piece, RowSource};
use crate::codec::error::DecodeError;

/// How many texts are taken at most.
const MAX_TEXTS: usize = 1 << 16;

/// How long a text may be that is taken when it comes for the second time.
const MAX_TEXT_BYTES: usize = 64;

/// How long a name may be that is taken at once.
const MAX_NAME_BYTES: usize = 4096;

/// How many texts are remembered that have come once; a power of two.
const REMEMBERED: usize = 1 << 12;

/// The texts of many rows. It belongs to whoever keeps the rows, who needs it to read them: one that writes rows to a file
/// writes [`texts`](Self::texts) too, each before the first row that uses it.
///
/// A name is taken at once, another short text when it comes for the second time, so that texts which never come again
/// take no place.
#[derive(Debug)]
pub struct Interner {
    texts: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32, FxBuildHasher>,
    seen: Box<[u64]>,
}

impl Default for Interner {
    fn default() -> Self {
        Self { texts: Vec::new(), numbers: HashMap::default(), seen: vec![0; REMEMBERED].into() }
    }
}

impl Interner {
    /// The interner that has these texts, in the order of their numbers.
    pub fn from_texts<T: Into<Box<str>>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut interner = Self::default();
        for text in texts {
            interner.add(&text.into());
        }
        interner
    }

    /// Its texts, in the order of their numbers; it never forgets one.
    #[must_use]
    pub fn texts(&self) -> &[Box<str>] {
        &self.texts
    }

    /// Appends a row to bytes with numbers in place of the texts that come again.
    ///
    /// # Errors
    ///
    /// It is no row.
    pub fn shrink(&mut self, row: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let mut source = RowSource::new(row);
        while !source.is_at_end() {
            let start = source.at();
            match source.piece()? {
                Piece::Text(text, is_name) => match self.number(text, is_name) {
                    Some(number) => put_interned(out, number),
                    None => put_text(out, text),
                },
                Piece::Interned(_) => return Err(DecodeError::new(start, "the row is interned already")),
                Piece::Token(_) => out.extend_from_slice(&row[start..source.at()]),
            }
        }
        Ok(())
    }

    /// Appends the row that was shrunk to bytes.
    ///
    /// # Errors
    ///
    /// It is no row, or of another interner.
    pub fn expand(&self, row: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let mut source = RowSource::new(row);
        while !source.is_at_end() {
            let start = source.at();
            if let Piece::Interned(number) = source.piece()? {
                let text = usize::try_from(number).ok().and_then(|number| self.texts.get(number));
                let text = text.ok_or_else(|| DecodeError::new(start, format!("no text has the number {number}")))?;
                out.push(NAME);
                put_varint(out, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            } else {
                out.extend_from_slice(&row[start..source.at()]);
            }
        }
        Ok(())
    }

    fn number(&mut self, text: &str, is_name: bool) -> Option<u32> {
        if !(2..=if is_name { MAX_NAME_BYTES } else { MAX_TEXT_BYTES }).contains(&text.len()) {
            return None;
        }
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        (self.texts.len() < MAX_TEXTS && (is_name || self.has_come(text))).then(|| self.add(text))
    }

    /// Whether a text has come lately; remembers it if not.
    fn has_come(&mut self, text: &str) -> bool {
        let hash = FxBuildHasher.hash_one(text);
        let place = usize::try_from(hash % REMEMBERED as u64).unwrap_or_default();
        std::mem::replace(&mut self.seen[place], hash) == hash
    }

    fn add(&mut self, text: &str) -> u32 {
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }
}
