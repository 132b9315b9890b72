//! Events as bytes and columns.
//!
//! A walk over an event's fields, which the caller brings, says what it finds in [`Token`]s to a [`Sink`], or asks a
//! [`Source`] for them. Each form of an event is one sink and one source: [`msgpack`], [`row`], [`columns`]. A source
//! trusts nothing that it reads.

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

/// How deep values may nest, the event itself not counted: deeper than whatever JSON an event takes.
pub const MAX_DEPTH: usize = 224;

impl Layout {
    /// The layout of the class that has these fields.
    #[must_use]
    pub fn new(event_type: &str, names: &[String]) -> Self {
        let (msgpack, row) = (layout::MsgpackKeys::new(event_type, names), layout::RowHead::new(event_type, names));
        Self::of_parts(event_type, names, msgpack, row)
    }
}
