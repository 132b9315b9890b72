//! A bus's share of one turn of the event loop.

use crate::queue::Queue;

/// Work that a bus may still do in this turn of its loop, counted in deliveries.
#[derive(Debug)]
pub struct Budget {
    pub(crate) publishing: u32,
    pub(crate) dispatching: u32,
    /// Deliveries dispatched before dispatching was ended for this turn, if it was.
    came_to: Option<u32>,
}

impl Budget {
    /// Deliveries a turn, in and out each. At a quarter of a microsecond each, a turn takes half a millisecond. With
    /// fewer, the turn's own cost of some ten microseconds would show.
    pub const DELIVERIES: u32 = 2048;

    /// The least that publishing may do, however slow the handlers are.
    const LEAST: u32 = Self::DELIVERIES / 16;

    /// Unfinished events from which on handlers count as behind.
    pub(crate) const MANY: u32 = Self::DELIVERIES / 2;

    /// Cost of packing one event, in deliveries.
    pub(crate) const PACKING: u32 = 4;

    /// The budget of the next turn. If handlers are behind, publishers get less than the handlers achieved in this
    /// turn, so that a long queue shrinks.
    pub(crate) fn next(&self, is_behind: bool) -> Self {
        if self.dispatching > 0 || !is_behind {
            return Self::default();
        }
        let handled = self.came_to.unwrap_or(Self::DELIVERIES);
        Self { publishing: (handled - handled / 4).max(Self::LEAST), ..Self::default() }
    }

    pub(crate) fn end_dispatching(&mut self) {
        self.came_to.get_or_insert(Self::DELIVERIES - self.dispatching);
        self.dispatching = 0;
    }

    pub(crate) fn spend_on_publishing(&mut self, deliveries: u32) {
        self.publishing = self.publishing.saturating_sub(deliveries);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { publishing: Self::DELIVERIES, dispatching: Self::DELIVERIES, came_to: None }
    }
}

// A queue keeps two turns of publishing live, so that a queue that is served never pays for packing.
const _: () = assert!(Queue::<()>::LIVE_LIMIT == 2 * Budget::DELIVERIES as usize);
