//! Writing msgpack.

use super::names::escape;
use super::{BIG_INT, TIMESTAMP};
use crate::codec::decimal::Decimal;
use crate::codec::layout::Layout;
use crate::codec::token::{Sink, Token};

/// Appends events to bytes.
#[derive(Debug, Default)]
pub struct MsgpackSink {
    out: Vec<u8>,
    /// Start of the current map, and the number of its entries so far.
    start: usize,
    entries: u64,
}

impl MsgpackSink {
    /// A sink that appends to these bytes.
    #[must_use]
    pub fn new(out: Vec<u8>) -> Self {
        Self { out, ..Self::default() }
    }

    /// All bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Writes a code and the low bytes of a number.
    #[inline]
    fn head(&mut self, code: u8, number: u64, bytes: usize) {
        self.out.push(code);
        self.out.extend_from_slice(&number.to_be_bytes()[8 - bytes..]);
    }

    /// Writes a length: `code` is for one byte, the next for two, the next for four.
    fn length(&mut self, code: u8, length: usize) {
        match length {
            0..=0xff => self.head(code, length as u64, 1),
            0x100..=0xffff => self.head(code + 1, length as u64, 2),
            _ => self.head(code + 2, length as u64, 4),
        }
    }

    /// Writes a code with a small number in its low bits.
    fn few(&mut self, code: u8, number: usize) {
        self.out.push(code | number.to_le_bytes()[0]);
    }

    #[inline]
    fn text(&mut self, text: &str) {
        match text.len() {
            length @ 0..=31 => self.few(0xa0, length),
            length => self.length(0xd9, length),
        }
        self.out.extend_from_slice(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(0xc4, bytes.len());
        self.out.extend_from_slice(bytes);
    }

    fn int(&mut self, int: i64) {
        let bits = int.cast_unsigned();
        match int {
            -32..=0x7f => self.out.push(bits.to_le_bytes()[0]),
            0x80..=0xff => self.head(0xcc, bits, 1),
            0x100..=0xffff => self.head(0xcd, bits, 2),
            0x1_0000..=0xffff_ffff => self.head(0xce, bits, 4),
            0x1_0000_0000.. => self.head(0xcf, bits, 8),
            -0x80..=-33 => self.head(0xd0, bits, 1),
            -0x8000..=-0x81 => self.head(0xd1, bits, 2),
            -0x8000_0000..=-0x8001 => self.head(0xd2, bits, 4),
            _ => self.head(0xd3, bits, 8),
        }
    }

    fn big_int(&mut self, bytes: &[u8]) {
        self.length(0xc7, bytes.len());
        self.out.push(BIG_INT.cast_unsigned());
        self.out.extend_from_slice(bytes);
    }

    /// Writes a timestamp, in 64 bits if it fits, else in 96.
    fn moment(&mut self, micros: i64) {
        let seconds = micros.div_euclid(1_000_000);
        let nanos = micros.rem_euclid(1_000_000).cast_unsigned() * 1000;
        if (0..1 << 34).contains(&seconds) {
            self.out.extend_from_slice(&[0xd7, TIMESTAMP.cast_unsigned()]);
            self.out.extend_from_slice(&(nanos << 34 | seconds.cast_unsigned()).to_be_bytes());
        } else {
            self.out.extend_from_slice(&[0xc7, 12, TIMESTAMP.cast_unsigned()]);
            self.out.extend_from_slice(&nanos.to_be_bytes()[4..]);
            self.out.extend_from_slice(&seconds.to_be_bytes());
        }
    }

    fn decimal(&mut self, decimal: &Decimal) {
        let start = self.out.len();
        self.out.push(0);
        decimal.write(&mut self.out);
        let length = self.out.len() - start - 1;
        let byte = length.to_le_bytes()[0];
        if length <= 31 {
            self.out[start] = 0xa0 | byte;
        } else {
            self.out[start] = 0xd9;
            self.out.insert(start + 1, byte);
        }
    }

    fn list(&mut self, count: usize) {
        match count {
            0..=15 => self.few(0x90, count),
            _ => self.wide(0xdc, count),
        }
    }

    fn map(&mut self, count: usize) {
        match count {
            0..=15 => self.few(0x80, count),
            _ => self.wide(0xde, count),
        }
    }

    /// Writes a count: `code` is for two bytes, the next for four.
    fn wide(&mut self, code: u8, count: usize) {
        match count {
            0..=0xffff => self.head(code, count as u64, 2),
            _ => self.head(code + 1, count as u64, 4),
        }
    }
}

impl Sink for MsgpackSink {
    const COLUMNS: bool = false;
    const SPARSE: bool = true;
    const LASTING: bool = true;

    fn begin(&mut self, layout: &Layout, extras: usize) {
        self.start = self.out.len();
        self.entries = 2;
        self.out.extend_from_slice(match layout.msgpack.packed.len() + extras + 1 {
            0..=15 => &[0x80],
            16..=0xffff => &[0xde, 0, 0],
            _ => &[0xdf, 0, 0, 0, 0],
        });
        self.out.extend_from_slice(&layout.msgpack.head);
    }

    #[inline]
    fn field(&mut self, layout: &Layout, index: usize) {
        self.entries += 1;
        self.out.extend_from_slice(&layout.msgpack.packed[index]);
    }

    fn extra(&mut self, name: &str) {
        self.entries += 1;
        self.text(&escape(name));
    }

    #[inline]
    fn put(&mut self, token: Token<'_>) {
        match token {
            Token::None => self.out.push(0xc0),
            Token::Bool(truth) => self.out.push(0xc2 | u8::from(truth)),
            Token::Int(int) => self.int(int),
            Token::Unsigned(int) => self.head(0xcf, int, 8),
            Token::BigInt(bytes) => self.big_int(bytes),
            Token::Float(float) => self.head(0xcb, float.to_bits(), 8),
            Token::Text(text) | Token::Name(text) => self.text(text),
            Token::Bytes(bytes) => self.bytes(bytes),
            Token::Id(id) => {
                self.length(0xc4, id.len());
                self.out.extend_from_slice(&id);
            }
            Token::Decimal(decimal) => self.decimal(&decimal),
            Token::Moment(micros) => self.moment(micros),
            Token::List(count) => self.list(count),
            Token::Map(count) => self.map(count),
        }
    }

    fn end(&mut self) {
        let entries = self.entries.to_be_bytes();
        let (head, rest) = self.out[self.start..].split_at_mut(1);
        match head[0] {
            0xde => rest[..2].copy_from_slice(&entries[6..]),
            0xdf => rest[..4].copy_from_slice(&entries[4..]),
            _ => head[0] |= entries[7],
        }
    }
}
