//! Reading an event from its row.

use super::head::{event_type_of, mark_of};
use super::reader::{Piece, RowReader};
use crate::codec::error::DecodeError;
use crate::codec::layout::Layout;
use crate::codec::token::{Key, Source, Token};

/// Reads one event from its row, in which nothing is interned.
#[derive(Debug, Clone)]
pub struct RowSource<'a> {
    reader: RowReader<'a>,
    names: Names<'a>,
}

/// Names of the values that follow.
#[derive(Debug, Clone)]
enum Names<'a> {
    /// Those of the reader's layout, from this index on.
    Same(&'a str, usize),
    /// Those of another layout.
    Other(std::str::Split<'a, char>),
    /// So many names, each before its value.
    Extras(usize),
    /// If bytes are left, those of a map.
    Map,
}

impl<'a> RowSource<'a> {
    /// A source over a row.
    #[must_use]
    pub fn new(row: &'a [u8]) -> Self {
        Self { reader: RowReader::after(0, row), names: Names::Extras(0) }
    }

    /// Begins the event, and returns its type.
    ///
    /// # Errors
    ///
    /// The bytes are no row.
    pub fn begin(&mut self) -> Result<&'a str, DecodeError> {
        let (Token::Text(head) | Token::Name(head)) = self.next()? else {
            return Err(self.reader.wrong("a row begins with the type of its event"));
        };
        self.names = Names::Same(head, 0);
        Ok(event_type_of(head))
    }

    /// The mark of the current row.
    #[must_use]
    pub fn mark(&self) -> Option<usize> {
        let Names::Same(head, _) = self.names else { return None };
        mark_of(head)
    }

    /// Number of values under other names.
    fn extras(&mut self) -> Result<usize, DecodeError> {
        if self.reader.is_at_end() {
            return Ok(0);
        }
        match self.next()? {
            Token::Map(count) => Ok(count),
            other => Err(self.reader.wrong(format!("{} follows the fields", other.type_name()))),
        }
    }

    fn finish(&self) -> Result<Option<Key<'a>>, DecodeError> {
        if self.reader.is_at_end() {
            return Ok(None);
        }
        Err(DecodeError::new(self.reader.at(), "bytes follow the end of the row"))
    }

    fn extra(&mut self) -> Result<Option<Key<'a>>, DecodeError> {
        match self.next()? {
            Token::Text(name) | Token::Name(name) => Ok(Some(Key::Extra(name))),
            other => Err(self.reader.wrong(format!("a key of its map is {}, not a text", other.type_name()))),
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
        match self.reader.piece()? {
            Piece::Text(text, false) => Ok(Token::Text(text)),
            Piece::Text(text, true) => Ok(Token::Name(text)),
            Piece::Token(token) => Ok(token),
            Piece::Interned(number) => Err(self.reader.wrong(format!("the interned text {number} was not put in"))),
        }
    }

    fn offset(&self) -> usize {
        self.reader.start()
    }
}

/// A row that this process has written itself.
#[derive(Debug, Clone)]
pub struct TrustedRow<'a>(RowSource<'a>);

impl<'a> TrustedRow<'a> {
    /// Continues where another source has stopped.
    #[must_use]
    pub fn new(source: RowSource<'a>) -> Self {
        Self(source)
    }
}

impl<'a> Source<'a> for TrustedRow<'a> {
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
