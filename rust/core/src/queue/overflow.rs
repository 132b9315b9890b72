//! Overflow policies: each decides what happens to one more event at a full queue.
//!
//! A policy is a variant of [`Overflow`] and its arm in [`Overflow::policy`]. Queue, bus and callers ask only for the
//! [`Policy`], so that nothing else names a variant.

use std::fmt;
use std::sync::Arc;

use super::deque::Stored;

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

impl Overflow {
    /// Every policy.
    pub const ALL: [Self; 5] = [Self::Block, Self::DropOldest, Self::DropNewest, Self::Conflate, Self::Raise];

    /// All decisions of a policy.
    #[must_use]
    pub const fn policy(self) -> Policy {
        match self {
            Self::Block => Policy::new("block", AtCapacity::Wait),
            Self::DropOldest => Policy::new("drop_oldest", AtCapacity::Drop(Victim::Oldest)),
            Self::DropNewest => Policy::new("drop_newest", AtCapacity::Drop(Victim::Newest)),
            Self::Conflate => Policy::new("conflate", AtCapacity::Wait).conflating(),
            Self::Raise => Policy::new("raise", AtCapacity::Refuse),
        }
    }

    /// The policy of a public name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<Self, UnknownOverflow> {
        let found = Self::ALL.into_iter().find(|overflow| overflow.policy().name == name);
        found.ok_or_else(|| UnknownOverflow { name: name.to_owned() })
    }
}

/// Decisions of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Public name.
    pub name: &'static str,
    /// Rules for the events that come.
    pub rules: Rules,
}

impl Policy {
    const fn new(name: &'static str, at_capacity: AtCapacity) -> Self {
        Self { name, rules: Rules { at_capacity, conflates: false } }
    }

    const fn conflating(mut self) -> Self {
        self.rules.conflates = true;
        self
    }
}

/// Rules of a policy for one more event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What happens to it where there is no room.
    pub at_capacity: AtCapacity,
    /// Whether it takes the place of a waiting one of its topic, full or not.
    pub conflates: bool,
}

/// What happens to one more event at a full queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtCapacity {
    /// Its publisher waits for room.
    Wait,
    /// Its publisher is refused.
    Refuse,
    /// It is taken, and an event is dropped for it.
    Drop(Victim),
}

/// The event that a full queue drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The one that has waited longest.
    Oldest,
    /// The one that has just come.
    Newest,
}

impl AtCapacity {
    /// The answer to a publisher.
    #[inline]
    pub(super) const fn admission(self) -> Admission {
        match self {
            Self::Wait => Admission::Wait,
            Self::Refuse => Admission::Refuse,
            Self::Drop(_) => Admission::Take,
        }
    }
}

/// Whether a queue would take an event now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It would.
    Take,
    /// Only once there is room.
    Wait,
    /// It would not, and the publisher is not to wait.
    Refuse,
}

/// Why an accepted event was never handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
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

impl DropReason {
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
pub struct Dropped<E> {
    /// The event itself.
    pub event: Stored<E>,
    /// Its topic, where the queue [keeps topics](super::Queue::keeping_topics) or it is that of the event that came.
    pub topic: Option<Arc<str>>,
    /// Why.
    pub reason: DropReason,
}

/// No policy has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownOverflow {
    name: String,
}

impl fmt::Display for UnknownOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Overflow::ALL.map(|overflow| format!("'{}'", overflow.policy().name));
        let [others @ .., last] = &names;
        write!(f, "overflow is {:?}; it may be {} or {last}", self.name, others.join(", "))
    }
}

impl std::error::Error for UnknownOverflow {}
