//! Topics of the events that wait in a queue.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// Topics of waiting events, for a queue that is asked for them.
#[derive(Debug, Default)]
pub(super) struct Topics {
    /// Topic of each event, in order.
    waiting: VecDeque<Arc<str>>,
    /// Position of the event of each topic, counted from the first event ever queued; only if events are conflated.
    places: HashMap<Arc<str>, u64, FxBuildHasher>,
}

impl Topics {
    /// Adds the topic of an appended event, and its position if events are conflated.
    pub(super) fn push(&mut self, topic: &Arc<str>, place: Option<u64>) {
        if let Some(place) = place {
            self.places.insert(Arc::clone(topic), place);
        }
        self.waiting.push_back(Arc::clone(topic));
    }

    /// Removes and returns the topic of the first event.
    pub(super) fn pop(&mut self) -> Option<Arc<str>> {
        let topic = self.waiting.pop_front()?;
        self.places.remove(&topic);
        Some(topic)
    }

    /// Position of the event of a topic, if events are conflated.
    pub(super) fn position_of(&self, topic: &Arc<str>) -> Option<u64> {
        self.places.get(topic).copied()
    }

    pub(super) fn shrink(&mut self) {
        self.waiting.shrink_to_fit();
    }
}
