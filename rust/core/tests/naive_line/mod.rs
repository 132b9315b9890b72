//! The line as the contract words it: a list of waiters, searched from its head.
//!
//! It does not decide who is called; it is told, and says whether that was right.

use std::collections::BTreeSet;
use std::sync::Arc;

use trading_events_core::line::Ticket;
use trading_events_core::registry::SubscriptionId;

/// A publisher in line.
#[derive(Debug, Clone)]
pub(crate) struct Waiter {
    pub(crate) ticket: Ticket,
    pub(crate) token: u64,
    topic: Arc<str>,
    /// What others must have in common with it in order not to overtake it.
    set: Vec<SubscriptionId>,
    /// The queues that had to have room when it came, and those of them that still stand.
    wanted: Vec<SubscriptionId>,
    needs: Vec<SubscriptionId>,
    /// Where it has seen room, since it is the first in line.
    held: BTreeSet<SubscriptionId>,
    /// What it has been promised, once it has been called.
    pub(crate) places: Option<Vec<SubscriptionId>>,
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
pub(crate) struct NaiveLine {
    pub(crate) waiters: Vec<Waiter>,
}

/// Whether a queue would take an event of a topic, with so many of its places promised.
pub(crate) trait Room: Fn(SubscriptionId, &Arc<str>, usize) -> bool {}

impl<F: Fn(SubscriptionId, &Arc<str>, usize) -> bool> Room for F {}

impl NaiveLine {
    /// How many places of a queue are promised.
    pub(crate) fn promised(&self, queue: SubscriptionId) -> usize {
        self.waiters.iter().flat_map(|waiter| &waiter.places).filter(|places| places.contains(&queue)).count()
    }

    /// Whether somebody with the same set is before a newcomer.
    pub(crate) fn has_same(&self, set: &[SubscriptionId]) -> bool {
        self.waiters.iter().any(|waiter| waiter.set == set)
    }

    pub(crate) fn join(&mut self, ticket: Ticket, newcomer: &Newcomer, token: u64) {
        assert!(self.waiters.iter().all(|other| other.ticket < ticket), "a later ticket is a higher number");
        let Newcomer { needs, set, topic } = newcomer.clone();
        let (wanted, held) = (needs.clone(), BTreeSet::new());
        self.waiters.push(Waiter { ticket, token, topic, set, wanted, needs, held, places: None });
    }

    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        let place = self.waiters.iter().position(|waiter| waiter.ticket == ticket)?;
        Some(self.waiters.remove(place))
    }

    pub(crate) fn forget_queue(&mut self, queue: SubscriptionId) {
        for waiter in &mut self.waiters {
            waiter.needs.retain(|needed| *needed != queue);
            waiter.held.remove(&queue);
            waiter.places.iter_mut().for_each(|places| places.retain(|place| *place != queue));
        }
    }

    /// Everybody is called, with no places, in this order.
    pub(crate) fn dismiss(&mut self) -> Vec<u64> {
        let mut called = Vec::new();
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.places.is_none()) {
            waiter.places = Some(Vec::new());
            called.push(waiter.token);
        }
        called
    }

    /// The first in line keeps what it sees free.
    pub(crate) fn look_around(&mut self, room: &impl Room) {
        let Some(first) = self.first() else { return };
        let (needs, topic) = (self.waiters[first].needs.clone(), Arc::clone(&self.waiters[first].topic));
        let free = needs.into_iter().filter(|queue| room(*queue, &topic, self.promised(*queue)));
        let free: Vec<_> = free.collect();
        self.waiters[first].held.extend(free);
    }

    /// Somebody has been called: it was its turn, and from now on its places are promised.
    pub(crate) fn call(&mut self, token: u64, room: &impl Room) {
        self.look_around(room);
        let place = self.waiters.iter().position(|waiter| waiter.token == token).expect("it waits");
        assert_eq!(self.waiters[place].places, None, "{token} is called once");
        assert!(self.has_all(place, room), "{token} is called when there is room: {self:?}");
        let skipped = (0..place).find(|earlier| self.can_come(*earlier, room));
        assert!(skipped.is_none(), "the line is walked in order, {token} comes after {skipped:?}: {self:?}");
        let is_like = |earlier: &Waiter| self.is_behind(earlier, place) && earlier.wanted == self.waiters[place].wanted;
        let overtaken = self.waiters[..place].iter().find(|earlier| is_like(earlier));
        assert!(overtaken.is_none(), "{token} does not overtake {overtaken:?}: {self:?}");
        let waiter = &mut self.waiters[place];
        waiter.held.clear();
        waiter.places = Some(waiter.needs.clone());
        self.look_around(room);
    }

    /// Nobody who could come is left uncalled; only behind those with the same set one may wait until they have come.
    pub(crate) fn assert_all_called_who_can_come(&self, room: &impl Room) {
        for place in 0..self.waiters.len() {
            let waits = self.waiters[..place].iter().any(|earlier| earlier.set == self.waiters[place].set);
            assert!(waits || !self.can_come(place, room), "{:?} can come: {self:?}", self.waiters[place]);
        }
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

    /// Whether the one at a place may have to wait until this earlier one has been called.
    fn is_behind(&self, earlier: &Waiter, place: usize) -> bool {
        earlier.places.is_none() && earlier.set == self.waiters[place].set
    }

    fn can_come(&self, place: usize, room: &impl Room) -> bool {
        let mut before = self.waiters[..place].iter();
        let waits = self.waiters[place].places.is_none() && before.all(|earlier| !self.is_behind(earlier, place));
        waits && self.has_all(place, room)
    }
}
