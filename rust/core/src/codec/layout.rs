//! Fields of an event class, with what each form has prepared of their names.

/// Fields of an event class in their order.
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
    /// The same, as msgpack.
    pub(super) packed: Box<[Box<[u8]>]>,
    /// Entries that each event of the class begins with.
    pub(super) head: Box<[u8]>,
}

/// First value of each row of the class.
#[derive(Debug)]
pub(super) struct RowHead {
    /// The event type, the mark if there is one, and the names of the fields that stand in a row, with a NUL before each.
    pub(super) text: Box<str>,
    /// Indices of those fields.
    pub(super) fields: Box<[usize]>,
}

impl Layout {
    /// Combines what the forms have prepared.
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
