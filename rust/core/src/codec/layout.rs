//! The fields of an event class, with what each form prepares of their names.

/// The fields of an event class, in order.
#[derive(Debug)]
pub struct Layout {
    event_type: String,
    names: Box<[String]>,
    pub(super) msgpack: MsgpackKeys,
    pub(super) row: RowHead,
}

/// Keys of the fields in a msgpack map.
#[derive(Debug)]
pub(super) struct MsgpackKeys {
    pub(super) texts: Box<[String]>,
    /// The same, packed.
    pub(super) packed: Box<[Box<[u8]>]>,
    /// Entries that each event of the class begins with.
    pub(super) head: Box<[u8]>,
}

/// The first value of each row of the class.
#[derive(Debug)]
pub(super) struct RowHead {
    /// The event type, its mark if it has one, and the names of the fields of a row, with a NUL before each.
    pub(super) text: Box<str>,
    /// Indices of those fields.
    pub(super) fields: Box<[usize]>,
}

impl Layout {
    /// A layout with the given keys and head.
    pub(super) fn of_parts(event_type: &str, names: &[String], msgpack: MsgpackKeys, row: RowHead) -> Self {
        Self { event_type: event_type.to_owned(), names: names.into(), msgpack, row }
    }

    /// The event type.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The names of the fields.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }
}
