//! Overflow policies: each decides what happens to one more event at a full queue.
//!
//! A policy is a variant of [`Overflow`] and its arm in [`Overflow::policy`]. Queue, bus and callers ask only for the
//! [`Policy`], so that nothing else names a variant.

use std::fmt;
use std::sync::Arc;

use super::deque::Stored;

/// Policy of a full queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The publisher waits for room.
    Block,
    /// The oldest waiting event is dropped.
    DropOldest,
    /// The new event is dropped.
    DropNewest,
    /// A new event replaces a waiting one of the same topic; an event of another topic waits for room.
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

    /// The policy with a public name.
    ///
    /// # Errors
    /// No policy has the name.
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
    /// Rules for incoming events.
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
    /// Its fate where there is no room.
    pub at_capacity: AtCapacity,
    /// True if it replaces a waiting one of its topic, full or not.
    pub conflates: bool,
}

/// Fate of one more event at a full queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtCapacity {
    /// Its publisher waits for room.
    Wait,
    /// Its publisher is refused.
    Refuse,
    /// It is taken, and one event is dropped.
    Drop(Victim),
}

/// The event that a full queue drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The one that has waited longest.
    Oldest,
    /// The new one.
    Newest,
}

impl AtCapacity {
    /// The queue's answer to a publisher.
    #[inline]
    pub(super) const fn admission(self) -> Admission {
        match self {
            Self::Wait => Admission::Wait,
            Self::Refuse => Admission::Refuse,
            Self::Drop(_) => Admission::Take,
        }
    }
}

/// A queue's answer to one more event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is taken.
    Take,
    /// It is taken once there is room.
    Wait,
    /// It is not taken, and the publisher is not to wait.
    Refuse,
}

/// Reason why an accepted event was never handled.
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

/// An event that a queue dropped for another.
#[derive(Debug)]
pub struct Dropped<E> {
    /// The event itself.
    pub event: Stored<E>,
    /// Its topic, if the queue [keeps topics](super::Queue::with_topics) or it is that of the new event.
    pub topic: Option<Arc<str>>,
    /// Reason why it was dropped.
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
