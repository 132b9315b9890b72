//! Events as rows: compact bytes, for many events in memory or in a file of one's own.
//!
//! A row is complete in itself: the event's type with the names of its fields, then their values in that order, then, if
//! bytes are left, a map of values under other names. Repeated texts, above all the names of the fields, make it long; an
//! [`Interner`] replaces them by numbers and back. Both passes touch bytes only, so that a lock around an interner is never
//! held while an event is walked.
//!
//! | first byte | value |
//! |---|---|
//! | 00, 01, 02 | none, false, true |
//! | 03 | an integer: varint, zigzag |
//! | 04 | an integer beyond 64 bits: varint length, big-endian two's complement |
//! | 05 | an unsigned integer: 8 bytes |
//! | 06 | a float: 8 bytes |
//! | 07, 08 | a text, a repeated text: varint length, UTF-8 |
//! | 09 | bytes: varint length |
//! | 0a | an id: 16 bytes |
//! | 0b | a decimal: varint exponent, zigzag; length; twice the mantissa, odd if negative |
//! | 0c | a moment: 8 bytes, microseconds since 1970 |
//! | 0d | a moment after, or before, the one before: varint, zigzag |
//! | 0e, 0f | a list, a map: varint count |
//! | 10 | an interned text: varint number |
//! | 20 to 3f | a text of up to 31 bytes |
//! | 40 to 7f | an interned text, one of the first 64 |
//! | 80 to ff | a decimal: bits 3 to 6 are the places after its point, bits 0 to 2 the bytes of the mantissa, as in 0b |
//!
//! Numbers of a fixed length are little-endian.

mod head;
mod interner;
mod reader;
mod routing_key;
mod sink;
mod source;

pub use interner::Interner;
pub use routing_key::{RoutingKey, first_moment};
pub use sink::RowSink;
pub use source::{RowSource, TrustedRow};

const NONE: u8 = 0x00;
const FALSE: u8 = 0x01;
const TRUE: u8 = 0x02;
const INT: u8 = 0x03;
const BIG_INT: u8 = 0x04;
const UNSIGNED: u8 = 0x05;
const FLOAT: u8 = 0x06;
const TEXT: u8 = 0x07;
const NAME: u8 = 0x08;
const BYTES: u8 = 0x09;
const ID: u8 = 0x0a;
const DECIMAL: u8 = 0x0b;
const MOMENT: u8 = 0x0c;
const LATER: u8 = 0x0d;
const LIST: u8 = 0x0e;
const MAP: u8 = 0x0f;
const INTERNED: u8 = 0x10;
const SHORT_TEXT: u8 = 0x20;
const FIRST_INTERNED: u8 = 0x40;
const SHORT_DECIMAL: u8 = 0x80;

/// Length of a text up to which its first byte contains it.
const SHORT_TEXT_BYTES: usize = 31;

/// Number of an interned text up to which its first byte contains it.
const FEW_INTERNED: u32 = 63;

fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}
