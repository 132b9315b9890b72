//! Events as msgpack, which other programs read: one map an event, its first keys `_v` and `_t`.

mod sink;
mod source;

pub use sink::MsgpackSink;
pub use source::{Head, MsgpackSource};

use super::layout::VERSION;
use super::token::{Sink, Token};

/// The extension type of an integer beyond 64 bits: big-endian, in two's complement.
pub const BIG_INT: i8 = 1;

/// The extension type of a timestamp, from the msgpack specification.
const TIMESTAMP: i8 = -1;

pub(super) fn pack_text(text: &str) -> Box<[u8]> {
    let mut sink = MsgpackSink::new(Vec::new());
    sink.put(Token::Text(text));
    sink.finish().into()
}

/// The entries that each event of a type begins with.
pub(super) fn pack_head(event_type: &str) -> Box<[u8]> {
    let mut sink = MsgpackSink::new(Vec::new());
    sink.put(Token::Text("_v"));
    sink.put(Token::Int(VERSION));
    sink.put(Token::Text("_t"));
    sink.put(Token::Text(event_type));
    sink.finish().into()
}
