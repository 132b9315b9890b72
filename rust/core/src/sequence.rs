//! Events one after the other, some as they are and some as rows.

use std::collections::VecDeque;

use crate::backlog::{Rows, Sizes};

/// An event as it is, or rows of one or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept<E> {
    /// The event.
    Event(E),
    /// Rows; a single one where one event is asked for.
    Rows(Rows),
}

impl<E> Kept<E> {
    /// The event, unless it is a row.
    pub fn event(self) -> Option<E> {
        match self {
            Self::Event(event) => Some(event),
            Self::Rows(_) => None,
        }
    }

    /// The same for one who also keeps it; `copy` copies an event.
    #[must_use]
    pub fn share(&self, copy: impl FnOnce(&E) -> E) -> Self {
        match self {
            Self::Event(event) => Self::Event(copy(event)),
            Self::Rows(rows) => Self::Rows(rows.clone()),
        }
    }
}

/// Events in their order. Rows that lie one behind the other take the place of one event.
#[derive(Debug)]
pub struct Sequence<E> {
    parts: VecDeque<Kept<E>>,
    /// How many of the parts are rows.
    row_parts: usize,
    /// How many more events there are than parts.
    more: usize,
    /// Whether rows may share a place.
    joins: bool,
}

impl<E> Default for Sequence<E> {
    fn default() -> Self {
        Self { parts: VecDeque::new(), row_parts: 0, more: 0, joins: true }
    }
}

impl<E> Sequence<E> {
    /// An empty sequence in which each event has a place of its own, so that it can be reached.
    #[must_use]
    pub fn indexed() -> Self {
        Self { joins: false, ..Self::default() }
    }

    /// How many events there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.parts.len() + self.more
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many of them are no rows.
    #[must_use]
    #[inline]
    pub fn events(&self) -> usize {
        self.parts.len() - self.row_parts
    }

    /// Puts an event at the end.
    #[inline]
    pub fn push(&mut self, event: E) {
        self.parts.push_back(Kept::Event(event));
    }

    /// Puts an event, or rows, at the end.
    pub fn push_kept(&mut self, kept: Kept<E>) {
        match kept {
            Kept::Event(event) => self.push(event),
            Kept::Rows(rows) => {
                let count = rows.count();
                if let Some(Kept::Rows(last)) = self.parts.back_mut()
                    && self.joins
                    && last.join(&rows)
                {
                    self.more += count;
                    return;
                }
                self.row_parts += 1;
                self.more += count - 1;
                self.parts.push_back(Kept::Rows(rows));
            }
        }
    }

    /// Takes out the first.
    #[inline]
    pub fn pop(&mut self) -> Option<Kept<E>> {
        match self.parts.pop_front()? {
            Kept::Rows(rows) => Some(self.pop_row(rows)),
            event @ Kept::Event(_) => Some(event),
        }
    }

    /// Puts the rest of the rows that stood first back.
    #[cold]
    fn pop_row(&mut self, mut rows: Rows) -> Kept<E> {
        if let Some(first) = rows.split_first() {
            self.more -= 1;
            self.parts.push_front(Kept::Rows(rows));
            return Kept::Rows(first);
        }
        self.row_parts -= 1;
        Kept::Rows(rows)
    }

    /// Puts an event in the place of another, where each has its own; returns that.
    pub fn replace(&mut self, index: usize, event: E) -> Option<Kept<E>> {
        let place = self.parts.get_mut(index)?;
        let older = std::mem::replace(place, Kept::Event(event));
        self.row_parts -= usize::from(matches!(older, Kept::Rows(_)));
        Some(older)
    }

    /// Puts a row in the place of the last event, if that is the one meant; returns the event.
    pub fn pack_last(&mut self, row: &Rows, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        if !matches!(self.parts.back(), Some(Kept::Event(event)) if is_meant(event)) {
            return None;
        }
        let event = self.parts.pop_back()?.event();
        self.push_kept(Kept::Rows(row.clone()));
        event
    }

    /// Puts a row in the place of an event, where each has its own, if it is the one meant; returns the event.
    pub fn pack_at(&mut self, index: usize, row: &Rows, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        let place = self.parts.get_mut(index)?;
        if !matches!(place, Kept::Event(event) if is_meant(event)) {
            return None;
        }
        self.row_parts += 1;
        std::mem::replace(place, Kept::Rows(row.clone())).event()
    }

    /// The same events for one who also keeps them; `copy` copies an event.
    #[must_use]
    pub fn share(&self, copy: impl Fn(&E) -> E) -> Self {
        let parts = self.parts.iter().map(|part| part.share(&copy)).collect();
        Self { parts, ..*self }
    }

    /// What follows the first so many, for one who also keeps it; `copy` copies an event.
    #[must_use]
    pub fn share_after(&self, mut skipped: usize, copy: impl Fn(&E) -> E) -> Self {
        let mut rest = Self { joins: self.joins, ..Self::default() };
        for part in &self.parts {
            let count = match part {
                Kept::Event(_) => 1,
                Kept::Rows(rows) => rows.count(),
            };
            if skipped >= count {
                skipped -= count;
                continue;
            }
            let mut part = part.share(&copy);
            if let Kept::Rows(rows) = &mut part {
                (0..std::mem::take(&mut skipped)).for_each(|_| drop(rows.split_first()));
            }
            rest.push_kept(part);
        }
        rest
    }

    /// How many bytes its rows take, with what belongs to them; what others share is counted in full.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let mut sizes = Sizes::default();
        for part in &self.parts {
            if let Kept::Rows(rows) = part {
                sizes.add(rows);
            }
        }
        sizes.bytes + self.parts.capacity() * size_of::<Kept<E>>()
    }

    /// Gives memory back after a large burst, so that it does not stay.
    pub fn shrink(&mut self) {
        const WORTH_IT: usize = 4096;
        if self.parts.is_empty() && self.parts.capacity() > WORTH_IT {
            self.parts = VecDeque::new();
        }
    }
}

impl<E> Iterator for Sequence<E> {
    type Item = Kept<E>;

    fn next(&mut self) -> Option<Kept<E>> {
        self.pop()
    }
}

impl<E> FromIterator<Kept<E>> for Sequence<E> {
    fn from_iter<I: IntoIterator<Item = Kept<E>>>(kept: I) -> Self {
        let mut sequence = Self::default();
        kept.into_iter().for_each(|kept| sequence.push_kept(kept));
        sequence
    }
}
