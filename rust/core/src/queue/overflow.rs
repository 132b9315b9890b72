//! What a full queue does, and what is lost by it.

use std::sync::Arc;

use super::deque::Kept;

/// What a full queue does with one more event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The publisher waits for room.
    Block,
    /// The event that has waited longest makes place.
    DropOldest,
    /// The new event is dropped.
    DropNewest,
    /// A new event takes the place of a waiting one of the same topic; a new topic waits for room.
    Conflate,
    /// The publisher is refused.
    Raise,
}

/// Why an accepted event was never handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Pushed out by a newer event.
    DropOldest,
    /// Came to a full queue.
    DropNewest,
    /// Replaced by a newer event of its topic.
    Conflate,
    /// Still waiting when its subscription ended.
    Unsubscribed,
    /// Still waiting when the bus was closed by force.
    Closed,
    /// In its handler when the worker was cancelled.
    Cancelled,
}

impl Loss {
    /// Every reason, in the order of its discriminant.
    pub const ALL: [Self; 6] =
        [Self::DropOldest, Self::DropNewest, Self::Conflate, Self::Unsubscribed, Self::Closed, Self::Cancelled];

    /// The reason's public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DropOldest => "drop_oldest",
            Self::DropNewest => "drop_newest",
            Self::Conflate => "conflate",
            Self::Unsubscribed => "unsubscribed",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An event that a queue gave up for another.
#[derive(Debug)]
pub struct Lost<E> {
    /// The event itself.
    pub event: Kept<E>,
    /// Its topic, where the queue [keeps topics](Queue::keeping_topics) or it is that of the event that came.
    pub topic: Option<Arc<str>>,
    /// Why.
    pub why: Loss,
}

/// Whether a queue would take an event now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It would.
    Take,
    /// Only once there is room.
    Wait,
    /// It would not, and the publisher is not to wait.
    Refuse,
}
