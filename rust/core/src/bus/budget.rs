//! Share of a loop's turn that a bus may take.

use crate::queue::Queue;

/// How much a bus does in one turn of its loop before it lets the loop go on.
#[derive(Debug)]
pub struct Budget {
    pub(crate) publishing: u32,
    pub(crate) dispatching: u32,
    /// How many deliveries dispatching came to before its time was over, if it was.
    came_to: Option<u32>,
}

impl Budget {
    /// Deliveries a turn, in and out each. At a quarter of a microsecond each, a turn takes half a millisecond; at fewer,
    /// the turn's own cost (some ten microseconds) would show.
    pub const DELIVERIES: u32 = 2048;

    /// What publishing may do at the least, however slow the handlers are.
    const LEAST: u32 = Self::DELIVERIES / 16;

    /// With so many left, handlers are behind.
    pub(crate) const MANY: u32 = Self::DELIVERIES / 2;

    /// What it costs publishing to keep an event as a row, which takes as long as so many deliveries.
    pub(crate) const PACKING: u32 = 4;

    /// That of the turn after this one. Where handlers are behind, publishers get less of it than the handlers came to in
    /// this one, so that a queue that has grown long becomes short again.
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

// A queue keeps as they are what publishers may put in within two turns, so that one that is served never pays for packing.
const _: () = assert!(Queue::<()>::LIVE_LIMIT == 2 * Budget::DELIVERIES as usize);
