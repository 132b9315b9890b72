//! A naive wait queue, after the contract: a list of waiters, searched from its head.
//!
//! It does not decide who is woken; it is told, and checks it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use trading_events_core::bus::Ticket;
use trading_events_core::routing::SubscriptionId;

/// A publisher that waits.
#[derive(Clone)]
pub(crate) struct Waiter {
    pub(crate) ticket: Ticket,
    pub(crate) token: u64,
    topic: Arc<str>,
    /// Queues that had to have room when it came, and those of them that still exist.
    wanted: Vec<SubscriptionId>,
    needs: Vec<SubscriptionId>,
    /// Queues in which its event was to take a place of its own, rather than that of another.
    key: Vec<SubscriptionId>,
    /// Queues in which it has seen room as the head.
    held: BTreeSet<SubscriptionId>,
    /// Places reserved for it, once it has been woken.
    pub(crate) reserved: Option<Vec<SubscriptionId>>,
    /// True if it was woken only to be refused.
    pub(crate) is_dismissed: bool,
}

impl Waiter {
    /// True if both are of one group, so that neither may overtake the other.
    fn is_like(&self, other: &Self) -> bool {
        self.key == other.key && self.wanted == other.wanted
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queues = |ids: &[SubscriptionId]| ids.iter().map(|id| id.index).collect::<Vec<_>>();
        write!(f, "#{} {} in {:?} for {:?}", self.token, self.topic, queues(&self.needs), queues(&self.key))?;
        let held: Vec<_> = self.held.iter().copied().collect();
        write!(f, ", holds {:?}, promised {:?}", queues(&held), self.reserved.as_deref().map(queues))
    }
}

/// A publisher that has to wait.
#[derive(Debug, Clone)]
pub(crate) struct Newcomer {
    pub(crate) needs: Vec<SubscriptionId>,
    pub(crate) key: Vec<SubscriptionId>,
    pub(crate) topic: Arc<str>,
}

/// Publishers that wait or have still to claim their places.
#[derive(Debug, Default)]
pub(crate) struct NaiveWaitQueue {
    pub(crate) waiters: Vec<Waiter>,
}

/// Tells whether a queue would take an event of a topic, with so many of its places reserved.
pub(crate) trait Room: Fn(SubscriptionId, &Arc<str>, usize) -> bool {}

impl<F: Fn(SubscriptionId, &Arc<str>, usize) -> bool> Room for F {}

impl NaiveWaitQueue {
    /// Number of reserved places of a queue.
    pub(crate) fn promised(&self, queue: SubscriptionId) -> usize {
        self.waiters.iter().flat_map(|waiter| &waiter.reserved).filter(|reserved| reserved.contains(&queue)).count()
    }

    /// True if a newcomer's group exists.
    pub(crate) fn has_group(&self, newcomer: &Newcomer) -> bool {
        self.waiters.iter().any(|waiter| waiter.wanted == newcomer.needs && waiter.key == newcomer.key)
    }

    pub(crate) fn join(&mut self, ticket: Ticket, newcomer: &Newcomer, token: u64) {
        assert!(self.waiters.iter().all(|other| other.ticket < ticket), "a later ticket is a higher number");
        let Newcomer { needs, key, topic } = newcomer.clone();
        let (wanted, held) = (needs.clone(), BTreeSet::new());
        self.waiters.push(Waiter {
            ticket,
            token,
            topic,
            key,
            wanted,
            needs,
            held,
            reserved: None,
            is_dismissed: false,
        });
    }

    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        let place = self.waiters.iter().position(|waiter| waiter.ticket == ticket)?;
        Some(self.waiters.remove(place))
    }

    pub(crate) fn remove_queue(&mut self, queue: SubscriptionId) {
        for waiter in &mut self.waiters {
            for ids in [&mut waiter.needs, &mut waiter.wanted, &mut waiter.key] {
                ids.retain(|id| *id != queue);
            }
            waiter.held.remove(&queue);
            waiter.reserved.iter_mut().for_each(|reserved| reserved.retain(|place| *place != queue));
        }
    }

    /// Everybody is woken, with no places, in this order.
    pub(crate) fn dismiss(&mut self) -> Vec<u64> {
        let mut woken = Vec::new();
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.reserved.is_none()) {
            waiter.reserved = Some(Vec::new());
            waiter.is_dismissed = true;
            woken.push(waiter.token);
        }
        woken
    }

    /// The head keeps the places that it sees free.
    pub(crate) fn note_free(&mut self, room: &impl Room) {
        let Some(head) = self.head() else { return };
        let (needs, topic) = (self.waiters[head].needs.clone(), Arc::clone(&self.waiters[head].topic));
        let free = needs.into_iter().filter(|queue| room(*queue, &topic, self.promised(*queue)));
        let free: Vec<_> = free.collect();
        self.waiters[head].held.extend(free);
    }

    /// A waiter was woken: it was its turn, and from now on its places are reserved.
    pub(crate) fn wake(&mut self, token: u64, room: &impl Room) {
        self.note_free(room);
        let place = self.waiters.iter().position(|waiter| waiter.token == token).expect("it waits");
        assert_eq!(self.waiters[place].reserved, None, "{token} is called once");
        assert!(self.has_all(place, room), "{token} is called when there is room: {self:?}");
        let skipped = (0..place).find(|earlier| self.can_proceed(*earlier, room));
        assert!(skipped.is_none(), "the line is walked in order, {token} comes after {skipped:?}: {self:?}");
        let overtakes = |other: &Waiter| other.reserved.is_none() && other.is_like(&self.waiters[place]);
        let left_behind = self.waiters[..place].iter().find(|other| overtakes(other));
        assert!(left_behind.is_none(), "{token} does not overtake {left_behind:?}: {self:?}");
        let waiter = &mut self.waiters[place];
        waiter.held.clear();
        waiter.reserved = Some(waiter.needs.clone());
        self.note_free(room);
    }

    /// Nobody who could proceed still waits.
    pub(crate) fn assert_nobody_waits_who_can_proceed(&self, room: &impl Room) {
        let left = (0..self.waiters.len()).find(|place| self.can_proceed(*place, room));
        assert!(left.is_none(), "{left:?} can come: {self:?}");
    }

    fn head(&self) -> Option<usize> {
        self.waiters.iter().position(|waiter| waiter.reserved.is_none())
    }

    fn has_all(&self, place: usize, room: &impl Room) -> bool {
        let waiter = &self.waiters[place];
        let has =
            |queue: &SubscriptionId| waiter.held.contains(queue) || room(*queue, &waiter.topic, self.promised(*queue));
        waiter.needs.iter().all(has)
    }

    /// True if it is the turn of a waiter: all that it needs has room, and no earlier member of its group waits or has
    /// still to claim its places.
    fn can_proceed(&self, place: usize, room: &impl Room) -> bool {
        let waiter = &self.waiters[place];
        let is_free = self.waiters[..place].iter().all(|earlier| !earlier.is_like(waiter));
        waiter.reserved.is_none() && is_free && self.has_all(place, room)
    }
}
