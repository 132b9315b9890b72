//! Workers: the subscriptions they serve, and the events they get.

use std::collections::BTreeMap;
use std::sync::Arc;

use trading_events_core::bus::Phase;
use trading_events_core::routing::SubscriptionId;
use trading_events_core::subscription::End;

use super::Pair;
use crate::model::{Service, Subscription};
use crate::rows::number_of;
use crate::steps::Step;

impl Pair {
    /// One shared worker is due where there are events and none; after events were dropped, perhaps one too many.
    pub(super) fn start_shared(&mut self) {
        let hired = self.bus.start_first_shared();
        let is_due = self.model.shared_workers == 0 && self.model.longest_due().is_some();
        assert!(hired == usize::from(is_due) || (self.model.shared_workers == 0 && hired == 1), "{hired} leaders");
        self.model.shared_workers += hired;
        assert_eq!(self.bus.has_no_shared_worker(), self.model.shared_workers == 0);
    }

    pub(super) fn leave_shared(&mut self) {
        if self.model.shared_workers > 0 {
            self.model.shared_workers -= 1;
            self.bus.leave_shared();
        }
    }

    pub(super) fn serve(&mut self) {
        let longest = self.model.longest_due();
        let served = self.bus.next_ready();
        assert_eq!(served.is_some(), longest.is_some(), "who has events and no worker is found");
        let Some(found) = served.and_then(|id| self.model.find(id)) else { return };
        assert!(matches!(found.service, Service::Due { .. }));
        found.service = Service::Served;
        if self.model.phase == Phase::Open {
            assert_eq!(served, longest, "who has waited longest is served first");
        }
    }

    pub(super) fn pick(&self, which: usize, is_fit: impl Fn(&Subscription) -> bool) -> Option<SubscriptionId> {
        let fit: Vec<_> = self.model.subscriptions.iter().filter(|found| is_fit(found)).map(|found| found.id).collect();
        (!fit.is_empty()).then(|| fit[which % fit.len()])
    }

    pub(super) fn take(&mut self, which: usize) {
        let Some(id) = self.pick(which, |found| found.is_served() && !found.in_handler) else { return };
        assert_eq!(self.bus.take(id).map(number_of), self.model.take(id), "events come out in the order of acceptance");
    }

    pub(super) fn finish(&mut self, which: usize, end: End) {
        let Some(id) = self.pick(which, |found| found.in_handler) else { return };
        let ended = self.bus.finish(id, end);
        assert_eq!(ended.retired, self.model.finish(id, end));
        assert_eq!(ended.few, self.model.unfinished() == 0);
    }

    /// Takes the fast path from one event to the next, exactly where it applies.
    pub(super) fn take_next(&mut self, which: usize) {
        let Some(id) = self.pick(which, |found| found.in_handler) else { return };
        let is_lost = |gap: &BTreeMap<Arc<str>, u64>| !gap.is_empty();
        let (is_alone, is_spent) = (self.model.wait_queue.waiters.is_empty(), self.bus.dispatching_is_spent());
        let found = self.model.find(id).unwrap();
        let goes_on = !found.is_ending && found.queue.has_next() && !found.gap.as_ref().is_some_and(is_lost);
        let taken = self.bus.take_next(id);
        assert_eq!(taken.is_some(), goes_on && is_alone && !is_spent);
        if taken.is_some() {
            assert_eq!(self.model.finish(id, End::Handled), None);
            assert_eq!(taken.map(number_of), self.model.take(id), "events come out in the order of acceptance");
        }
    }

    pub(super) fn release(&mut self, which: usize) {
        let Some(id) = self.pick(which, |found| found.is_served() && !found.in_handler) else { return };
        self.bus.release(id);
        self.model.find(id).unwrap().service = Service::Idle;
    }

    pub(super) fn take_gap(&mut self, which: usize) {
        let Some(id) = self.pick(which, |_| true) else { return };
        let gap = self.model.find(id).and_then(|found| found.gap.as_mut()).map(std::mem::take);
        let told = self.bus.take_gap(id);
        let sum = told.as_ref().map_or(0, |gap| gap.count);
        let topics: BTreeMap<Arc<str>, u64> = told.into_iter().flat_map(|gap| gap.topics).collect();
        assert_eq!((sum, topics), gap.map_or((0, BTreeMap::new()), |gap| (gap.values().sum(), gap)));
    }

    /// Serves everything, and lets every woken publisher claim its places, until nothing is left to do.
    pub(crate) fn serve_all(&mut self) {
        while self.pick(0, |found| found.queue.is_paused).is_some() {
            self.step(&Step::Resume { which: 0 });
        }
        loop {
            while self.pick(0, |found| found.in_handler).is_some() {
                self.step(&Step::Finish { which: 0, end: End::Handled });
            }
            while self.pick(0, Subscription::is_served).is_some() {
                self.step(&Step::Release { which: 0 });
            }
            while self.waiting(0, Some(true)).is_some() {
                self.step(&Step::Claim { which: 0 });
            }
            self.step(&Step::Serve);
            if self.pick(0, Subscription::is_served).is_none() {
                return;
            }
            self.step(&Step::Take { which: 0 });
        }
    }
}
