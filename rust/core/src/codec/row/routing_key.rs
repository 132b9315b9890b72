//! Routing key and time of an event, read from a shrunk row without the rest.

use super::head::event_type_of;
use super::interner::Interner;
use super::reader::{Piece, RowReader};
use crate::codec::error::DecodeError;
use crate::codec::token::Token;

/// The properties that routing and queries use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoutingKey<'a> {
    /// The event type.
    pub event_type: &'a str,
    /// The exchange.
    pub exchange: Option<&'a str>,
    /// The symbol.
    pub symbol: Option<&'a str>,
    /// The event's own time, in microseconds since 1970.
    pub timestamp: i64,
}

impl<'a> RoutingKey<'a> {
    /// Reads a routing key; the row's first timestamp is relative to `since`.
    ///
    /// # Errors
    ///
    /// The bytes are no row, or of another interner.
    pub fn read(interner: &'a Interner, since: Option<i64>, row: &'a [u8]) -> Result<Self, DecodeError> {
        let mut source = RowReader::after(since.unwrap_or_default(), row);
        let head = next(interner, &mut source)?;
        let (Token::Text(head) | Token::Name(head)) = head else {
            return Err(DecodeError::new(0, "a row begins with the type of its event"));
        };
        let names = head.split('\0').skip(1);
        let mut facts = Self { event_type: event_type_of(head), ..Self::default() };
        let mut wanted = 3;
        for name in names {
            let token = next(interner, &mut source)?;
            let text = match token {
                Token::Text(text) | Token::Name(text) => Some(text),
                _ => None,
            };
            wanted -= 1;
            match (name, token) {
                ("exchange", _) => facts.exchange = text,
                ("symbol", _) => facts.symbol = text,
                ("timestamp", Token::Moment(micros)) => facts.timestamp = micros,
                _ => {
                    wanted += 1;
                    skip(interner, &mut source, token)?;
                }
            }
            if wanted == 0 {
                break;
            }
        }
        Ok(facts)
    }
}

/// The first timestamp in a row.
#[must_use]
pub fn first_moment(row: &[u8]) -> Option<i64> {
    let mut source = RowReader::after(0, row);
    while !source.is_at_end() {
        if let Piece::Token(Token::Moment(micros)) = source.piece().ok()? {
            return Some(micros);
        }
    }
    None
}

fn next<'a>(interner: &'a Interner, source: &mut RowReader<'a>) -> Result<Token<'a>, DecodeError> {
    let start = source.at();
    Ok(match source.piece()? {
        Piece::Text(text, _) => Token::Text(text),
        Piece::Interned(number) => Token::Name(interner.text(start, number)?),
        Piece::Token(token) => token,
    })
}

/// Skips the contents of a list or a map.
fn skip<'a>(interner: &'a Interner, source: &mut RowReader<'a>, head: Token<'a>) -> Result<(), DecodeError> {
    let count_in = |token: Token<'_>| match token {
        Token::List(count) => count,
        Token::Map(count) => 2 * count,
        _ => 0,
    };
    let mut left = count_in(head);
    while left > 0 {
        left = left - 1 + count_in(next(interner, source)?);
    }
    Ok(())
}
