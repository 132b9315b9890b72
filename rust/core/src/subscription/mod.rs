//! Subscriptions and where they are kept.

mod histogram;
mod slots;
mod statistics;
mod stopwatch;

pub use histogram::Histogram;
pub use slots::Subscriptions;
pub use statistics::{Counts, End, Gap, Totals};
pub use stopwatch::Stopwatch;

use std::sync::Arc;

use crate::queue::{DropReason, EventDeque, Queue, Stored};
use crate::routing::Interest;

/// Who sees to a subscription's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Nobody: there are none.
    Idle,
    /// The next free worker: it stands in the list of those that have events.
    Ready,
    /// The worker that has it now.
    Served,
}

/// Who calls a subscription's handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A worker.
    Queued,
    /// The publisher, where it can and nothing waits.
    Inline,
}

/// One subscription; `S` is what the caller keeps with it. What every event needs comes first, to lie in few lines of the
/// processor's cache.
#[derive(Debug)]
#[repr(C)]
pub struct Subscription<E, S> {
    /// Its waiting events.
    pub queue: Queue<E>,
    /// Which places in the queue are timed: those of which these bits are all zero.
    pub(crate) timed_mask: u64,
    /// What it lost since it was last told; `None` if it does not want to be told.
    pub gap: Option<Box<Gap>>,
    /// Who calls its handler.
    pub(crate) delivery: Delivery,
    /// Who sees to its events.
    pub(crate) service: Service,
    /// Whether an event is in its handler.
    pub(crate) in_handler: bool,
    /// Whether it hears nothing new and ends when it has nothing left.
    pub(crate) ending: bool,
    /// Whether it does so once what waits has been handled, and hears its own handler until then.
    pub(crate) draining: bool,
    /// The caller's own.
    pub payload: S,
    /// What it has counted.
    pub counts: Counts,
    /// What it takes its times with, if it does.
    pub stopwatch: Option<Box<Stopwatch>>,
    /// What it was entered in the registry with.
    pub interest: Box<Interest>,
    /// The version of the routes with which it began, if it takes up where earlier events end.
    pub(crate) catches_up_from: Option<u64>,
}

impl<E, S> Subscription<E, S> {
    /// How many accepted events have not ended.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.queue.len() as u64 + u64::from(self.in_handler)
    }

    /// Whether an event is in its handler.
    #[must_use]
    pub fn is_in_handler(&self) -> bool {
        self.in_handler
    }

    /// Whether a worker has it now.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.service == Service::Served
    }

    /// Whether what waits only waits for a worker to have its turn, and the queue may be left as it is for so long.
    pub(crate) fn is_served_soon(&self) -> bool {
        !self.in_handler && !self.queue.is_paused() && !self.queue.is_overdue()
    }

    /// Whether a publisher who can would call its handler now.
    pub(crate) fn is_called_inline(&self) -> bool {
        self.delivery == Delivery::Inline && self.service == Service::Idle && !self.queue.is_paused()
    }

    /// Whether it hears only its own handler, and ends when it has nothing left.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// Whether it has ended, but for the event in its handler.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ending && self.queue.is_empty()
    }

    /// Where an event of this topic stands that has just been accepted, if it is to be packed; `next` is the place that it
    /// would have taken.
    #[cold]
    pub(crate) fn position_to_pack(&self, next: u64, topic: &Arc<str>) -> Option<u64> {
        if self.queue.next_position() > next { Some(next) } else { self.queue.position_of(topic) }
    }

    /// Takes an event into the queue. Returns the event that was lost by it.
    #[inline]
    pub(crate) fn enqueue(&mut self, event: E, topic: &Arc<str>) -> Option<Stored<E>> {
        self.counts.accepted += 1;
        let position = self.queue.next_position();
        let dropped = self.queue.push(event, topic);
        if position & self.timed_mask == 0 && self.queue.next_position() > position {
            self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.mark(position, self.queue.first_position()));
        }
        let dropped = dropped?;
        if dropped.reason == DropReason::Conflate
            && let (Some(stopwatch), Some(position)) = (&mut self.stopwatch, self.queue.position_of(topic))
        {
            stopwatch.forget(position);
        }
        self.counts.drop_events(dropped.reason, 1);
        if let (Some(gap), Some(topic)) = (self.gap.as_mut(), &dropped.topic) {
            gap.add(topic);
        }
        Some(dropped.event)
    }

    /// [`Subscription::enqueue`] where the queue is plain.
    #[inline]
    pub(crate) fn enqueue_fast(&mut self, event: E) {
        self.counts.accepted += 1;
        let position = self.queue.next_position();
        self.queue.push_fast(event);
        if position & self.timed_mask == 0 {
            self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.mark(position, self.queue.first_position()));
        }
    }

    /// The next event, which goes into the handler now.
    #[expect(clippy::inline_always, reason = "as for `Bus::take_next`")]
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<Stored<E>> {
        let position = self.queue.first_position();
        let event = self.queue.pop()?;
        self.in_handler = true;
        if position & self.timed_mask == 0 && self.queue.first_position() > position {
            self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.begin(position));
        }
        Some(event)
    }

    /// The next event, for the handler that runs, which is done with it. Its times are not taken, nor is the end of the
    /// handler's own event.
    pub(crate) fn take_batched(&mut self) -> Option<Stored<E>> {
        if !self.in_handler {
            return None;
        }
        let position = self.queue.first_position();
        let event = self.queue.pop()?;
        self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.skip(position));
        self.counts.end(End::Handled);
        Some(event)
    }

    /// The event in the handler has ended.
    #[inline]
    pub(crate) fn finish(&mut self, end: End) {
        self.in_handler = false;
        self.counts.end(end);
        if self.queue.first_position().wrapping_sub(1) & self.timed_mask == 0 {
            self.stopwatch.iter_mut().for_each(|stopwatch| stopwatch.end());
        }
    }

    /// Whether it has lost events and is to be told.
    pub(crate) fn has_gap(&self) -> bool {
        self.gap.as_ref().is_some_and(|gap| gap.count > 0)
    }

    /// Gives up all that waits.
    pub(crate) fn discard(&mut self, reason: DropReason) -> EventDeque<E> {
        let dropped = self.queue.drain();
        self.counts.drop_events(reason, dropped.len() as u64);
        dropped
    }
}
