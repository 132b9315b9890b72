//! A deque of events, live or packed.

use std::collections::VecDeque;

use super::packed::{PackedRun, Sizes};

/// A live event, or a run of packed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored<E> {
    /// The event.
    Live(E),
    /// A run of packed events; a single one where one event is asked for.
    Packed(PackedRun),
}

impl<E> Stored<E> {
    /// The event, if it is live.
    pub fn live(self) -> Option<E> {
        match self {
            Self::Live(event) => Some(event),
            Self::Packed(_) => None,
        }
    }

    /// A second handle to the same; `copy` copies a live event.
    #[must_use]
    pub fn share(&self, copy: impl FnOnce(&E) -> E) -> Self {
        match self {
            Self::Live(event) => Self::Live(copy(event)),
            Self::Packed(run) => Self::Packed(run.clone()),
        }
    }
}

/// Events in order, live and packed. A run of packed events takes one part.
#[derive(Debug)]
struct Mixed<E> {
    parts: VecDeque<Stored<E>>,
    /// Number of parts that are packed.
    packed_parts: usize,
    /// Number of events beyond the number of parts.
    more: usize,
    /// True if packed events may share a part.
    joins: bool,
}

impl<E> Mixed<E> {
    fn new(joins: bool) -> Self {
        Self { parts: VecDeque::new(), packed_parts: 0, more: 0, joins }
    }

    fn push(&mut self, kept: Stored<E>) {
        if let Stored::Packed(run) = &kept {
            let count = run.count();
            if let Some(Stored::Packed(last)) = self.parts.back_mut()
                && self.joins
                && last.append_run(run)
            {
                self.more += count;
                return;
            }
            self.packed_parts += 1;
            self.more += count - 1;
        }
        self.parts.push_back(kept);
    }

    /// Takes the first event, and puts the rest of its run back.
    fn pop(&mut self) -> Option<Stored<E>> {
        let mut first = self.parts.pop_front()?;
        if let Stored::Packed(run) = &mut first {
            if let Some(row) = run.split_first() {
                self.more -= 1;
                self.parts.push_front(first);
                return Some(Stored::Packed(row));
            }
            self.packed_parts -= 1;
        }
        Some(first)
    }
}

/// Events in order: live ones first, and from the first packed one on, live and packed ones.
#[derive(Debug)]
#[repr(C)]
pub struct EventDeque<E> {
    /// The first event, if it came while there was no other. With many subscriptions, most hold one event at a time,
    /// and this one lies in memory with the rest of its subscription.
    first: Option<E>,
    events: VecDeque<E>,
    /// The events from the first packed one on.
    rest: Option<Box<Mixed<E>>>,
}

impl<E> Default for EventDeque<E> {
    fn default() -> Self {
        Self { first: None, events: VecDeque::new(), rest: None }
    }
}

impl<E> EventDeque<E> {
    /// An empty deque in which each event is a part of its own, so that it can be reached by index.
    #[must_use]
    pub fn indexed() -> Self {
        Self { rest: Some(Box::new(Mixed::new(false))), ..Self::default() }
    }

    /// Number of events.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.leading_len() + self.rest.as_ref().map_or(0, |rest| rest.parts.len() + rest.more)
    }

    /// True if there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.leading_len() == 0 && self.rest.as_ref().is_none_or(|rest| rest.parts.is_empty())
    }

    /// Number of live events.
    #[must_use]
    #[inline]
    pub fn live_len(&self) -> usize {
        self.leading_len() + self.rest.as_ref().map_or(0, |rest| rest.parts.len() - rest.packed_parts)
    }

    /// Number of events before the first packed one.
    #[inline]
    fn leading_len(&self) -> usize {
        usize::from(self.first.is_some()) + self.events.len()
    }

    /// The events before the first packed one.
    fn iter_leading(&self) -> impl Iterator<Item = &E> {
        self.first.iter().chain(&self.events)
    }

    /// True if no event is packed, and none is stored behind a packed one.
    #[must_use]
    #[inline]
    pub fn is_all_live(&self) -> bool {
        self.rest.is_none()
    }

    /// Appends a live event.
    #[inline]
    pub fn push(&mut self, event: E) {
        match &mut self.rest {
            None if self.first.is_none() && self.events.is_empty() => self.first = Some(event),
            None => self.events.push_back(event),
            Some(rest) => rest.push(Stored::Live(event)),
        }
    }

    /// Appends a live event or a run.
    pub fn push_stored(&mut self, kept: Stored<E>) {
        match kept {
            Stored::Live(event) => self.push(event),
            run @ Stored::Packed(_) => self.rest.get_or_insert_with(|| Box::new(Mixed::new(true))).push(run),
        }
    }

    /// Takes the first event.
    #[inline]
    pub fn pop(&mut self) -> Option<Stored<E>> {
        match self.pop_live() {
            Some(event) => Some(Stored::Live(event)),
            None => self.pop_from_rest(),
        }
    }

    /// Takes the first event if it is before all packed ones.
    #[inline]
    pub(crate) fn pop_live(&mut self) -> Option<E> {
        self.first.take().or_else(|| self.events.pop_front())
    }

    fn pop_from_rest(&mut self) -> Option<Stored<E>> {
        let rest = self.rest.as_mut()?;
        let first = rest.pop();
        if rest.joins && rest.parts.is_empty() {
            self.rest = None;
        }
        first
    }

    /// Replaces an event of an indexed deque, and returns it.
    pub fn replace(&mut self, index: usize, event: E) -> Option<Stored<E>> {
        let rest = self.rest.as_mut()?;
        let older = std::mem::replace(rest.parts.get_mut(index)?, Stored::Live(event));
        rest.packed_parts -= usize::from(matches!(older, Stored::Packed(_)));
        Some(older)
    }

    /// Replaces the last event by its row if it is the one meant, and returns it.
    pub fn pack_last(&mut self, row: &PackedRun, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        let event = if let Some(rest) = &mut self.rest {
            let Some(Stored::Live(last)) = rest.parts.back() else { return None };
            if is_meant(last) { rest.parts.pop_back()?.live() } else { None }
        } else if is_meant(self.events.back().or(self.first.as_ref())?) {
            self.events.pop_back().or_else(|| self.first.take())
        } else {
            None
        }?;
        self.push_stored(Stored::Packed(row.clone()));
        Some(event)
    }

    /// Replaces an event of an indexed deque by its row if it is the one meant, and returns it.
    pub fn pack_at(&mut self, index: usize, row: &PackedRun, is_meant: impl Fn(&E) -> bool) -> Option<E> {
        let rest = self.rest.as_mut()?;
        let place = rest.parts.get_mut(index)?;
        if !matches!(place, Stored::Live(event) if is_meant(event)) {
            return None;
        }
        rest.packed_parts += 1;
        std::mem::replace(place, Stored::Packed(row.clone())).live()
    }

    /// A second handle to all events; `copy` copies a live one.
    #[must_use]
    pub fn share(&self, copy: impl Fn(&E) -> E) -> Self {
        let events = self.iter_leading().map(&copy).collect();
        let rest = self.rest.as_ref().map(|rest| {
            let parts = rest.parts.iter().map(|part| part.share(&copy)).collect();
            Box::new(Mixed { parts, ..**rest })
        });
        Self { first: None, events, rest }
    }

    /// A second handle to all but the first `skipped` events; `copy` copies a live one.
    #[must_use]
    pub fn share_after(&self, skipped: usize, copy: impl Fn(&E) -> E) -> Self {
        let mut shared = Self::default();
        shared.events.extend(self.iter_leading().skip(skipped).map(&copy));
        let mut skipped = skipped.saturating_sub(self.leading_len());
        for part in self.rest.iter().flat_map(|rest| &rest.parts) {
            let count = match part {
                Stored::Live(_) => 1,
                Stored::Packed(run) => run.count(),
            };
            if skipped >= count {
                skipped -= count;
                continue;
            }
            let mut part = part.share(&copy);
            if let Stored::Packed(run) = &mut part {
                (0..std::mem::take(&mut skipped)).for_each(|_| drop(run.split_first()));
            }
            shared.push_stored(part);
        }
        shared
    }

    /// Bytes that packed events take, shared memory counted in full.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let mut sizes = Sizes::default();
        let Some(rest) = &self.rest else { return self.events.capacity() * size_of::<E>() };
        for part in &rest.parts {
            if let Stored::Packed(run) = part {
                sizes.add(run);
            }
        }
        sizes.bytes + rest.parts.capacity() * size_of::<Stored<E>>() + self.events.capacity() * size_of::<E>()
    }

    /// Frees memory after a large burst.
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

impl<E> Iterator for EventDeque<E> {
    type Item = Stored<E>;

    fn next(&mut self) -> Option<Stored<E>> {
        self.pop()
    }
}

impl<E> FromIterator<Stored<E>> for EventDeque<E> {
    fn from_iter<I: IntoIterator<Item = Stored<E>>>(kept: I) -> Self {
        let mut sequence = Self::default();
        kept.into_iter().for_each(|kept| sequence.push_stored(kept));
        sequence
    }
}
