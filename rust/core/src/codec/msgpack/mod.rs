//! Events as msgpack, which other programs can read: one map an event, its first keys `_v` and `_t`.

mod keys;
mod names;
mod sink;
mod source;

pub use sink::MsgpackSink;
pub use source::{Head, MsgpackSource};

/// The extension type of an integer beyond 64 bits: big-endian, in two's complement.
pub const BIG_INT: i8 = 1;

/// The extension type of a timestamp, from the msgpack specification.
const TIMESTAMP: i8 = -1;
