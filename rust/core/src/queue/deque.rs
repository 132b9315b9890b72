//! Events one after the other, some as they are and some as rows.

use std::collections::VecDeque;

use super::packed::{Rows, Sizes};

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

/// Events in their order, some of them as rows. Rows that lie one behind the other take the place of one event.
#[derive(Debug)]
struct Mixed<E> {
    parts: VecDeque<Kept<E>>,
    /// How many of the parts are rows.
    row_parts: usize,
    /// How many more events there are than parts.
    more: usize,
    /// Whether rows may share a place.
    joins: bool,
}

impl<E> Mixed<E> {
    fn new(joins: bool) -> Self {
        Self { parts: VecDeque::new(), row_parts: 0, more: 0, joins }
    }

    fn push(&mut self, kept: Kept<E>) {
        if let Kept::Rows(rows) = &kept {
            let count = rows.count();
            if let Some(Kept::Rows(last)) = self.parts.back_mut()
                && self.joins
                && last.join(rows)
            {
                self.more += count;
                return;
            }
            self.row_parts += 1;
            self.more += count - 1;
        }
        self.parts.push_back(kept);
    }

    /// Takes out the first, and puts the rest of the rows that stood there back.
    fn pop(&mut self) -> Option<Kept<E>> {
        let mut first = self.parts.pop_front()?;
        if let Kept::Rows(rows) = &mut first {
            if let Some(row) = rows.split_first() {
                self.more -= 1;
                self.parts.push_front(first);
                return Some(Kept::Rows(row));
            }
            self.row_parts -= 1;
        }
        Some(first)
    }
}

/// Events in their order: the first as they are, and from the first that is a row on, some of them as rows.
#[derive(Debug)]
#[repr(C)]
pub struct Sequence<E> {
    /// The first, if it came when there was no other: where subscriptions are many, most hold one event at a time, and this
    /// one lies with the rest of its subscription in memory.
    first: Option<E>,
    events: VecDeque<E>,
    /// What comes behind them, if anything does.
    rest: Option<Box<Mixed<E>>>,
}

impl<E> Default for Sequence<E> {
    fn default() -> Self {
        Self { first: None, events: VecDeque::new(), rest: None }
    }
}

impl<E> Sequence<E> {
    /// An empty sequence in which each event has a place of its own, so that it can be reached.
    #[must_use]
    pub fn indexed() -> Self {
        Self { rest: Some(Box::new(Mixed::new(false))), ..Self::default() }
    }

    /// How many events there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.unpacked() + self.rest.as_ref().map_or(0, |rest| rest.parts.len() + rest.more)
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.unpacked() == 0 && self.rest.as_ref().is_none_or(|rest| rest.parts.is_empty())
    }

    /// How many of them are no rows.
    #[must_use]
    #[inline]
    pub fn events(&self) -> usize {
        self.unpacked() + self.rest.as_ref().map_or(0, |rest| rest.parts.len() - rest.row_parts)
    }

    /// How many there are before the first row.
    #[inline]
    fn unpacked(&self) -> usize {
        usize::from(self.first.is_some()) + self.events.len()
    }

    /// The events before the first row.
    fn iter_unpacked(&self) -> impl Iterator<Item = &E> {
        self.first.iter().chain(&self.events)
    }

    /// Whether there are no rows, and no events behind some.
    #[must_use]
    #[inline]
    pub fn is_unpacked(&self) -> bool {
        self.rest.is_none()
    }

    /// Puts an event at the end.
    #[inline]
    pub fn push(&mut self, event: E) {
        match &mut self.rest {
            None if self.first.is_none() && self.events.is_empty() => self.first = Some(event),
            None => self.events.push_back(event),
            Some(rest) => rest.push(Kept::Event(event)),
        }
    }

    /// Puts an event, or rows, at the end.
    pub fn push_kept(&mut self, kept: Kept<E>) {
        match kept {
            Kept::Event(event) => self.push(event),
            rows @ Kept::Rows(_) => self.rest.get_or_insert_with(|| Box::new(Mixed::new(true))).push(rows),
        }
    }

    /// Takes out the first.
    #[inline]
    pub fn pop(&mut self) -> Option<Kept<E>> {
        match self.pop_unpacked() {
            Some(event) => Some(Kept::Event(event)),
            None => self.pop_from_rest(),
        }
    }

    /// Takes out the first, if it stands before all rows.
    #[inline]
    pub(crate) fn pop_unpacked(&mut self) -> Option<E> {
        self.first.take().or_else(|| self.events.pop_front())
    }

    fn pop_from_rest(&mut self) -> Option<Kept<E>> {
        let rest = self.rest.as_mut()?;
        let first = rest.pop();
        if rest.joins && rest.parts.is_empty() {
            self.rest = None;
        }
        first
    }

    /// Puts an event in the place of another, where each has its own; returns that.
    pub fn replace(&mut self, index: usize, event: E) -> Option<Kept<E>> {
        let rest = self.rest.as_mut()?;
        let older = std::mem::replace(rest.parts.get_mut(index)?, Kept::Event(event));
        rest.row_parts -= usize::from(matches!(older, Kept::Rows(_)));
        Some(older)
    }

    /// Puts a row in the place of the last event, if that is the one meant; returns the event.
    pub fn pack_last(&mut self, row: &Rows, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        let event = if let Some(rest) = &mut self.rest {
            let Some(Kept::Event(last)) = rest.parts.back() else { return None };
            if is_meant(last) { rest.parts.pop_back()?.event() } else { None }
        } else if is_meant(self.events.back().or(self.first.as_ref())?) {
            self.events.pop_back().or_else(|| self.first.take())
        } else {
            None
        }?;
        self.push_kept(Kept::Rows(row.clone()));
        Some(event)
    }

    /// Puts a row in the place of an event, where each has its own, if it is the one meant; returns the event.
    pub fn pack_at(&mut self, index: usize, row: &Rows, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        let rest = self.rest.as_mut()?;
        let place = rest.parts.get_mut(index)?;
        if !matches!(place, Kept::Event(event) if is_meant(event)) {
            return None;
        }
        rest.row_parts += 1;
        std::mem::replace(place, Kept::Rows(row.clone())).event()
    }

    /// The same events for one who also keeps them; `copy` copies an event.
    #[must_use]
    pub fn share(&self, copy: impl Fn(&E) -> E) -> Self {
        let events = self.iter_unpacked().map(&copy).collect();
        let rest = self.rest.as_ref().map(|rest| {
            let parts = rest.parts.iter().map(|part| part.share(&copy)).collect();
            Box::new(Mixed { parts, ..**rest })
        });
        Self { first: None, events, rest }
    }

    /// What follows the first so many, for one who also keeps it; `copy` copies an event.
    #[must_use]
    pub fn share_after(&self, skipped: usize, copy: impl Fn(&E) -> E) -> Self {
        let mut shared = Self::default();
        shared.events.extend(self.iter_unpacked().skip(skipped).map(&copy));
        let mut skipped = skipped.saturating_sub(self.unpacked());
        for part in self.rest.iter().flat_map(|rest| &rest.parts) {
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
            shared.push_kept(part);
        }
        shared
    }

    /// How many bytes its rows take, with what belongs to them; what others share is counted in full.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let mut sizes = Sizes::default();
        let Some(rest) = &self.rest else { return self.events.capacity() * size_of::<E>() };
        for part in &rest.parts {
            if let Kept::Rows(rows) = part {
                sizes.add(rows);
            }
        }
        sizes.bytes + rest.parts.capacity() * size_of::<Kept<E>>() + self.events.capacity() * size_of::<E>()
    }

    /// Gives memory back after a large burst, so that it does not stay.
    #[inline]
    pub fn shrink(&mut self) {
        const WORTH_IT: usize = 4096;
        if self.events.is_empty() && self.events.capacity() > WORTH_IT {
            self.events = VecDeque::new();
        }
        if let Some(rest) = self.rest.as_mut().filter(|rest| rest.parts.is_empty() && rest.parts.capacity() > WORTH_IT)
        {
            rest.parts = VecDeque::new();
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
