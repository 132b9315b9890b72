//! Subscriptions that are given earlier events first.

use trading_events_core::queue::Stored;

use super::Pair;
use crate::rows::row_of;

impl Pair {
    /// Preloads events, every other one as a row, for a subscription that still takes events.
    pub(super) fn preload(&mut self, which: usize, count: u64) {
        if self.ids.is_empty() {
            return;
        }
        let id = self.ids[which % self.ids.len()];
        let events: Vec<_> = (self.events + 1..=self.events + count).collect();
        self.events += count;
        let keep = |event: &u64| match event % 2 {
            0 => Stored::Live(*event),
            _ => Stored::Packed(self.bus.pack_row(&row_of(*event)).unwrap()),
        };
        let kept: Vec<_> = events.iter().map(keep).collect();
        let hears = self.model.find(id).filter(|found| !found.is_ending);
        assert_eq!(self.bus.preload(id, kept), hears.is_some());
        if let Some(found) = hears {
            found.counts.accepted += count;
            found.queue.preload(&events);
        }
    }

    pub(super) fn resume(&mut self, which: usize) {
        let Some(id) = self.pick(which, |found| found.queue.is_paused) else { return };
        self.bus.resume(id);
        self.model.find(id).unwrap().queue.is_paused = false;
    }
}
