//! Writing rows.

use super::{
    BIG_INT, BYTES, DECIMAL, FALSE, FEW_INTERNED, FIRST_INTERNED, FLOAT, ID, INT, INTERNED, LATER, LIST, MAP, MOMENT,
    NAME, NONE, SHORT_DECIMAL, SHORT_TEXT, SHORT_TEXT_BYTES, TEXT, TRUE, UNSIGNED, zigzag,
};
use crate::codec::decimal::Decimal;
use crate::codec::layout::Layout;
use crate::codec::token::{Sink, Token};
use crate::codec::varint::put_varint;

/// Appends one event's row to bytes.
#[derive(Debug)]
pub struct RowSink<'a> {
    out: &'a mut Vec<u8>,
    /// The last timestamp.
    moment: Option<i64>,
    extras: usize,
}

impl<'a> RowSink<'a> {
    /// A sink that appends to these bytes.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, moment: None, extras: 0 }
    }

    fn varint(&mut self, number: u64) {
        put_varint(self.out, number);
    }

    fn head(&mut self, tag: u8, number: u64) {
        self.out.push(tag);
        self.varint(number);
    }

    fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.head(tag, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn moment(&mut self, micros: i64) {
        if let Some(later) = self.moment.and_then(|before| micros.checked_sub(before)) {
            self.head(LATER, zigzag(later));
        } else {
            self.out.push(MOMENT);
            self.out.extend_from_slice(&micros.to_le_bytes());
        }
        self.moment = Some(micros);
    }

    fn decimal(&mut self, decimal: &Decimal) {
        let twice = decimal.mantissa << 1 | u128::from(decimal.negative);
        let bytes = twice.to_le_bytes();
        let length = 16 - (twice.leading_zeros() / 8) as usize;
        match u8::try_from(-i64::from(decimal.exponent)) {
            Ok(places @ 0..=15) if length <= 7 => {
                self.out.push(SHORT_DECIMAL | places << 3 | length.to_le_bytes()[0]);
            }
            _ => {
                self.head(DECIMAL, zigzag(i64::from(decimal.exponent)));
                self.out.push(length.to_le_bytes()[0]);
            }
        }
        self.out.extend_from_slice(&bytes[..length]);
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    if text.len() <= SHORT_TEXT_BYTES {
        out.push(SHORT_TEXT | text.len().to_le_bytes()[0]);
    } else {
        out.push(TEXT);
        put_varint(out, text.len() as u64);
    }
    out.extend_from_slice(text);
}

pub(super) fn put_interned(out: &mut Vec<u8>, number: u32) {
    if number <= FEW_INTERNED {
        out.push(FIRST_INTERNED | number.to_le_bytes()[0]);
    } else {
        out.push(INTERNED);
        put_varint(out, u64::from(number));
    }
}

impl Sink for RowSink<'_> {
    const COLUMNS: bool = false;
    const SPARSE: bool = false;
    const LASTING: bool = false;

    fn begin(&mut self, layout: &Layout, extras: usize) {
        self.put(Token::Name(&layout.row.text));
        (self.moment, self.extras) = (None, extras);
    }

    fn field(&mut self, _: &Layout, _: usize) {}

    fn extra(&mut self, name: &str) {
        if self.extras > 0 {
            self.put(Token::Map(self.extras));
            self.extras = 0;
        }
        self.put(Token::Name(name));
    }

    #[inline]
    fn put(&mut self, token: Token<'_>) {
        match token {
            Token::None => self.out.push(NONE),
            Token::Bool(truth) => self.out.push(if truth { TRUE } else { FALSE }),
            Token::Int(int) => self.head(INT, zigzag(int)),
            Token::BigInt(bytes) => self.bytes(BIG_INT, bytes),
            Token::Unsigned(int) => {
                self.out.push(UNSIGNED);
                self.out.extend_from_slice(&int.to_le_bytes());
            }
            Token::Float(float) => {
                self.out.push(FLOAT);
                self.out.extend_from_slice(&float.to_bits().to_le_bytes());
            }
            Token::Text(text) => put_text(self.out, text.as_bytes()),
            Token::Name(text) => self.bytes(NAME, text.as_bytes()),
            Token::Bytes(bytes) => self.bytes(BYTES, bytes),
            Token::Id(id) => {
                self.out.push(ID);
                self.out.extend_from_slice(&id);
            }
            Token::Decimal(decimal) => self.decimal(&decimal),
            Token::Moment(micros) => self.moment(micros),
            Token::List(count) => self.head(LIST, count as u64),
            Token::Map(count) => self.head(MAP, count as u64),
        }
    }

    fn end(&mut self) {}
}
