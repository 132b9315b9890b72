//! Counts of a bus and its subscriptions.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::queue::DropReason;

/// End of an event in its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The handler returned.
    Handled,
    /// The handler raised.
    Failed,
    /// The worker was cancelled while it ran.
    Cancelled,
}

/// Counts of one subscription. At every moment `accepted` is the sum of `handled`, `failed`, all of `dropped`, waiting
/// events and the one in the handler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counts {
    /// Events accepted.
    pub accepted: u64,
    /// Events whose handler returned.
    pub handled: u64,
    /// Events whose handler raised.
    pub failed: u64,
    /// Events never handled, by [`DropReason`].
    pub dropped: [u64; DropReason::ALL.len()],
    /// Events that exceeded the capacity.
    pub over_capacity: u64,
    /// Events not accepted because the filter raised.
    pub filter_failures: u64,
}

impl Counts {
    /// Counts dropped events.
    pub fn drop_events(&mut self, reason: DropReason, count: u64) {
        self.dropped[reason as usize] += count;
    }

    /// Counts the end of an event.
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

/// Counts of a whole bus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events accepted, once each, however many subscriptions hear them.
    pub published: u64,
    /// Events accepted that no subscription heard.
    pub unrouted: u64,
    /// Publishes that had to wait and were given up before they began to.
    pub abandoned: u64,
    /// Counts of ended subscriptions.
    pub retired: Counts,
}

/// Events that a subscription dropped since it was last told.
#[derive(Debug, Default, Clone)]
pub struct Gap {
    /// Number of events.
    pub count: u64,
    /// Number of events by topic, for the first [`Gap::TOPICS`] topics.
    pub topics: HashMap<Arc<str>, u64, FxBuildHasher>,
}

impl Gap {
    /// Greatest number of topics that a gap names.
    pub const TOPICS: usize = 1024;

    /// Counts an event.
    pub fn add(&mut self, topic: &Arc<str>) {
        self.count += 1;
        if let Some(count) = self.topics.get_mut(topic) {
            *count += 1;
        } else if self.topics.len() < Self::TOPICS {
            self.topics.insert(Arc::clone(topic), 1);
        }
    }
}
