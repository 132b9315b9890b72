//! Topics of the events that wait in a queue.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// The topics of what waits, for a queue that will be asked for them.
#[derive(Debug, Default)]
pub(super) struct Topics {
    /// Of each event, in order.
    waiting: VecDeque<Arc<str>>,
    /// Only where events are conflated: where each topic's event stands, counted from the first event ever queued.
    places: HashMap<Arc<str>, u64, FxBuildHasher>,
}

impl Topics {
    /// Notes the topic of an event that now stands behind the others; its place, where events are conflated.
    pub(super) fn push(&mut self, topic: &Arc<str>, place: Option<u64>) {
        if let Some(place) = place {
            self.places.insert(Arc::clone(topic), place);
        }
        self.waiting.push_back(Arc::clone(topic));
    }

    /// Forgets the topic of the first event.
    pub(super) fn pop(&mut self) -> Option<Arc<str>> {
        let topic = self.waiting.pop_front()?;
        self.places.remove(&topic);
        Some(topic)
    }

    /// The place of the event of a topic, where events are conflated.
    pub(super) fn position_of(&self, topic: &Arc<str>) -> Option<u64> {
        self.places.get(topic).copied()
    }

    pub(super) fn shrink(&mut self) {
        self.waiting.shrink_to_fit();
    }
}
