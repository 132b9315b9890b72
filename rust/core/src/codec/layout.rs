//! The fields of an event class, as the forms need them.

use std::iter;

use super::msgpack;

/// The version of the msgpack form that is written, and the newest that is read.
pub const VERSION: i64 = 1;

/// What stands before the mark in the head of a row.
pub(crate) const MARK: char = '\u{1}';

/// The short names of the fields that every event has. No field's own name begins with an underscore.
const SHORT: [(&str, &str); 6] = [
    ("event_id", "_id"),
    ("event_type", "_t"),
    ("timestamp", "_ts"),
    ("exchange", "_x"),
    ("symbol", "_s"),
    ("metadata", "_m"),
];

/// The fields of an event class in their order.
#[derive(Debug)]
pub struct Layout {
    event_type: String,
    names: Box<[String]>,
    keys: Box<[String]>,
    pub(crate) packed_keys: Box<[Box<[u8]>]>,
    pub(crate) packed_head: Box<[u8]>,
    /// The event type, the mark if there is one, and the names of the fields that stand in a row, with a NUL before each.
    pub(crate) row_head: Box<str>,
    pub(crate) row_fields: Box<[usize]>,
}

impl Layout {
    /// The layout of the class that has these fields.
    #[must_use]
    pub fn new(event_type: &str, names: &[String]) -> Self {
        let row_fields: Box<[usize]> = (0..names.len()).filter(|index| names[*index] != "event_type").collect();
        let row_names = row_fields.iter().map(|index| names[*index].as_str());
        let row_head: Vec<&str> = iter::once(event_type).chain(row_names).collect();
        let keys: Box<[String]> = names.iter().map(|name| key_of(name)).collect();
        Self {
            event_type: event_type.to_owned(),
            names: names.into(),
            packed_keys: keys.iter().map(|key| msgpack::pack_text(key)).collect(),
            packed_head: msgpack::pack_head(event_type),
            row_head: row_head.join("\0").into(),
            row_fields,
            keys,
        }
    }

    /// The same, whose rows bear a mark: which of several classes of one event type they are of.
    #[must_use]
    pub fn marked(mut self, mark: usize) -> Self {
        let (event_type, names) = self.row_head.split_at(self.event_type.len());
        self.row_head = format!("{event_type}{MARK}{mark:x}{names}").into();
        self
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

    /// The field that has a key; `expected` is tried first.
    #[must_use]
    pub fn index_of(&self, key: &str, expected: usize) -> Option<usize> {
        if self.keys.get(expected).is_some_and(|at| at == key) {
            return Some(expected);
        }
        self.keys.iter().position(|at| at == key)
    }
}

/// The key under which a field stands in a map.
fn key_of(name: &str) -> String {
    SHORT.iter().find(|(long, _)| *long == name).map_or_else(|| escape(name), |(_, short)| (*short).to_owned())
}

/// The key of a name that may begin with an underscore, which never is a short name.
#[must_use]
pub fn escape(name: &str) -> String {
    if name.starts_with('_') { format!("_{name}") } else { name.to_owned() }
}

/// The name that such a key stands for; none for a short name that is not known here.
#[must_use]
pub fn unescape(key: &str) -> Option<&str> {
    match key.strip_prefix('_') {
        None => Some(key),
        Some(rest) if rest.starts_with('_') => Some(rest),
        Some(_) => None,
    }
}
