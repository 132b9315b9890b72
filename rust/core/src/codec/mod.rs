//! Events as bytes and columns.
//!
//! A walk over an event's fields, which the caller provides, puts [`Token`]s into a [`Sink`], or takes them from a
//! [`Source`]. Each form of an event has one sink and one source: [`msgpack`], [`row`], [`columns`]. A source trusts
//! nothing that it reads.

pub mod columns;
pub mod decimal;
pub mod error;
pub mod hex;
pub mod layout;
pub mod limits;
pub mod msgpack;
pub mod row;
pub mod time;
pub mod token;
pub mod topic_days;
pub mod transcode;
pub(crate) mod varint;

pub use decimal::Decimal;
pub use error::DecodeError;
pub use layout::Layout;
pub use token::{Key, Sink, Source, Token};

/// Greatest depth of nested values, the event itself not counted: more than any JSON has that an event takes.
pub const MAX_DEPTH: usize = 224;

impl Layout {
    /// The layout of a class with these fields.
    #[must_use]
    pub fn new(event_type: &str, names: &[String]) -> Self {
        let (msgpack, row) = (layout::MsgpackKeys::new(event_type, names), layout::RowHead::new(event_type, names));
        Self::of_parts(event_type, names, msgpack, row)
    }
}
