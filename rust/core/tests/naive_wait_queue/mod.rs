//! The line as the contract words it: a list of waiters, searched from its head.
//!
//! It does not decide who is called; it is told, and says whether that was right.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use trading_events_core::bus::Ticket;
use trading_events_core::routing::SubscriptionId;

/// A publisher in line.
#[derive(Clone)]
pub(crate) struct Waiter {
    pub(crate) ticket: Ticket,
    pub(crate) token: u64,
    topic: Arc<str>,
    /// The queues that had to have room when it came, and those of them that still stand.
    wanted: Vec<SubscriptionId>,
    needs: Vec<SubscriptionId>,
    /// Those in which it was to take a place of its own, rather than that of another event.
    set: Vec<SubscriptionId>,
    /// Where it has seen room, since it is the first in line.
    held: BTreeSet<SubscriptionId>,
    /// What it has been promised, once it has been called.
    pub(crate) places: Option<Vec<SubscriptionId>>,
    /// Whether it was called only to be refused.
    pub(crate) is_dismissed: bool,
}

impl Waiter {
    /// Whether both wait for the same, so that neither may overtake the other.
    fn is_like(&self, other: &Self) -> bool {
        self.set == other.set && self.wanted == other.wanted
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queues = |ids: &[SubscriptionId]| ids.iter().map(|id| id.index).collect::<Vec<_>>();
        write!(f, "#{} {} in {:?} for {:?}", self.token, self.topic, queues(&self.needs), queues(&self.set))?;
        let held: Vec<_> = self.held.iter().copied().collect();
        write!(f, ", holds {:?}, promised {:?}", queues(&held), self.places.as_deref().map(queues))
    }
}

/// A publisher that has found that it must wait.
#[derive(Debug, Clone)]
pub(crate) struct Newcomer {
    pub(crate) needs: Vec<SubscriptionId>,
    pub(crate) set: Vec<SubscriptionId>,
    pub(crate) topic: Arc<str>,
}

/// Everybody who waits, or has been called and has not come.
#[derive(Debug, Default)]
pub(crate) struct NaiveWaitQueue {
    pub(crate) waiters: Vec<Waiter>,
}

/// Whether a queue would take an event of a topic, with so many of its places promised.
pub(crate) trait Room: Fn(SubscriptionId, &Arc<str>, usize) -> bool {}

impl<F: Fn(SubscriptionId, &Arc<str>, usize) -> bool> Room for F {}

impl NaiveWaitQueue {
    /// How many places of a queue are promised.
    pub(crate) fn promised(&self, queue: SubscriptionId) -> usize {
        self.waiters.iter().flat_map(|waiter| &waiter.places).filter(|places| places.contains(&queue)).count()
    }

    /// Whether somebody like a newcomer is before it.
    pub(crate) fn has_like(&self, newcomer: &Newcomer) -> bool {
        self.waiters.iter().any(|waiter| waiter.wanted == newcomer.needs && waiter.set == newcomer.set)
    }

    pub(crate) fn join(&mut self, ticket: Ticket, newcomer: &Newcomer, token: u64) {
        assert!(self.waiters.iter().all(|other| other.ticket < ticket), "a later ticket is a higher number");
        let Newcomer { needs, set, topic } = newcomer.clone();
        let (wanted, held) = (needs.clone(), BTreeSet::new());
        self.waiters.push(Waiter { ticket, token, topic, set, wanted, needs, held, places: None, is_dismissed: false });
    }

    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        let place = self.waiters.iter().position(|waiter| waiter.ticket == ticket)?;
        Some(self.waiters.remove(place))
    }

    pub(crate) fn forget_queue(&mut self, queue: SubscriptionId) {
        for waiter in &mut self.waiters {
            for ids in [&mut waiter.needs, &mut waiter.wanted, &mut waiter.set] {
                ids.retain(|id| *id != queue);
            }
            waiter.held.remove(&queue);
            waiter.places.iter_mut().for_each(|places| places.retain(|place| *place != queue));
        }
    }

    /// Everybody is called, with no places, in this order.
    pub(crate) fn dismiss(&mut self) -> Vec<u64> {
        let mut woken = Vec::new();
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.places.is_none()) {
            waiter.places = Some(Vec::new());
            waiter.is_dismissed = true;
            woken.push(waiter.token);
        }
        woken
    }

    /// The first in line keeps what it sees free.
    pub(crate) fn note_free(&mut self, room: &impl Room) {
        let Some(first) = self.first() else { return };
        let (needs, topic) = (self.waiters[first].needs.clone(), Arc::clone(&self.waiters[first].topic));
        let free = needs.into_iter().filter(|queue| room(*queue, &topic, self.promised(*queue)));
        let free: Vec<_> = free.collect();
        self.waiters[first].held.extend(free);
    }

    /// Somebody has been called: it was its turn, and from now on its places are promised.
    pub(crate) fn call(&mut self, token: u64, room: &impl Room) {
        self.note_free(room);
        let place = self.waiters.iter().position(|waiter| waiter.token == token).expect("it waits");
        assert_eq!(self.waiters[place].places, None, "{token} is called once");
        assert!(self.has_all(place, room), "{token} is called when there is room: {self:?}");
        let skipped = (0..place).find(|earlier| self.can_come(*earlier, room));
        assert!(skipped.is_none(), "the line is walked in order, {token} comes after {skipped:?}: {self:?}");
        let overtakes = |other: &Waiter| other.places.is_none() && other.is_like(&self.waiters[place]);
        let left_behind = self.waiters[..place].iter().find(|other| overtakes(other));
        assert!(left_behind.is_none(), "{token} does not overtake {left_behind:?}: {self:?}");
        let waiter = &mut self.waiters[place];
        waiter.held.clear();
        waiter.places = Some(waiter.needs.clone());
        self.note_free(room);
    }

    /// Nobody who could come is left uncalled.
    pub(crate) fn assert_all_called_who_can_come(&self, room: &impl Room) {
        let left = (0..self.waiters.len()).find(|place| self.can_come(*place, room));
        assert!(left.is_none(), "{left:?} can come: {self:?}");
    }

    fn first(&self) -> Option<usize> {
        self.waiters.iter().position(|waiter| waiter.places.is_none())
    }

    fn has_all(&self, place: usize, room: &impl Room) -> bool {
        let waiter = &self.waiters[place];
        let has =
            |queue: &SubscriptionId| waiter.held.contains(queue) || room(*queue, &waiter.topic, self.promised(*queue));
        waiter.needs.iter().all(has)
    }

    /// Whether it is the turn of the one at a place: all that it needs has room, and nobody like it is before it, in
    /// line or called and not there yet.
    fn can_come(&self, place: usize, room: &impl Room) -> bool {
        let waiter = &self.waiters[place];
        let is_free = self.waiters[..place].iter().all(|earlier| !earlier.is_like(waiter));
        waiter.places.is_none() && is_free && self.has_all(place, room)
    }
}
