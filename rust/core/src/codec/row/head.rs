//! The first value of a row: event type, mark, and names of the fields.

use crate::codec::layout::{Layout, RowHead};

/// Separates the event type from the mark.
const MARK: char = '\u{1}';

impl RowHead {
    /// Head of the rows of a class with these fields.
    pub(in crate::codec) fn new(event_type: &str, names: &[String]) -> Self {
        let fields: Box<[usize]> = (0..names.len()).filter(|index| names[*index] != "event_type").collect();
        let row_names = fields.iter().map(|index| names[*index].as_str());
        let text: Vec<&str> = std::iter::once(event_type).chain(row_names).collect();
        Self { text: text.join("\0").into(), fields }
    }
}

impl Layout {
    /// The same layout for rows with a mark, which tells classes of one event type apart.
    #[must_use]
    pub fn marked(mut self, mark: usize) -> Self {
        let (event_type, names) = self.row.text.split_at(self.event_type().len());
        self.row.text = format!("{event_type}{MARK}{mark:x}{names}").into();
        self
    }
}

/// The event type in a head.
pub(super) fn event_type_of(head: &str) -> &str {
    head.split(['\0', MARK]).next().unwrap_or_default()
}

/// The mark in a head.
pub(super) fn mark_of(head: &str) -> Option<usize> {
    let (_, mark) = head.split('\0').next()?.split_once(MARK)?;
    usize::from_str_radix(mark, 16).ok()
}
