//! What a bus counts.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::queue::DropReason;

/// How the handling of an event ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The handler returned.
    Handled,
    /// The handler raised.
    Failed,
    /// The worker was cancelled in the midst of it.
    Cancelled,
}

/// The counts of one subscription. At every moment `accepted` is the sum of `handled`, `failed`, all of `dropped` and what
/// waits or is in its handler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counts {
    /// Events that a publisher was told of as accepted.
    pub accepted: u64,
    /// Events whose handler returned.
    pub handled: u64,
    /// Events whose handler raised.
    pub failed: u64,
    /// Events that were never handled, by [`DropReason`].
    pub dropped: [u64; DropReason::ALL.len()],
    /// Events that a handler's own publish put beyond the capacity.
    pub over_capacity: u64,
    /// Events whose filter raised; they were not accepted here.
    pub filter_failures: u64,
}

impl Counts {
    /// Counts events lost for a reason.
    pub fn drop_events(&mut self, reason: DropReason, count: u64) {
        self.dropped[reason as usize] += count;
    }

    /// Counts an event that has ended.
    pub fn end(&mut self, end: End) {
        match end {
            End::Handled => self.handled += 1,
            End::Failed => self.failed += 1,
            End::Cancelled => self.drop_events(DropReason::Cancelled, 1),
        }
    }

    /// Adds the counts of another subscription.
    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.handled += other.handled;
        self.failed += other.failed;
        self.dropped.iter_mut().zip(other.dropped).for_each(|(mine, theirs)| *mine += theirs);
        self.over_capacity += other.over_capacity;
        self.filter_failures += other.filter_failures;
    }
}

/// The counts of a whole bus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events accepted, once each, however many subscriptions hear them.
    pub published: u64,
    /// Those of them that no subscription heard.
    pub unrouted: u64,
    /// Publishes that had to wait and were given up before they began to.
    pub abandoned: u64,
    /// What ended subscriptions had counted.
    pub retired: Counts,
}

/// Events that a subscription lost since it was last told.
#[derive(Debug, Default, Clone)]
pub struct Gap {
    /// How many.
    pub count: u64,
    /// How many of each topic, for the first [`Gap::TOPICS`] topics.
    pub topics: HashMap<Arc<str>, u64, FxBuildHasher>,
}

impl Gap {
    /// The most topics that a gap names.
    pub const TOPICS: usize = 1024;

    /// Counts one event.
    pub fn add(&mut self, topic: &Arc<str>) {
        self.count += 1;
        if let Some(count) = self.topics.get_mut(topic) {
            *count += 1;
        } else if self.topics.len() < Self::TOPICS {
            self.topics.insert(Arc::clone(topic), 1);
        }
    }
}
