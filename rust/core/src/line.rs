//! The one line in which publishers wait for room.
//!
//! A waiter needs a place in several queues at once and holds nothing until all have room, except the first in line: it
//! keeps what it has seen free, beyond the capacity of that queue, so that it cannot be starved and starves nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::registry::SubscriptionId;

/// A waiter's number; a lower one came earlier.
pub type Ticket = u64;

/// The queues that a waiter needs a place in.
pub type Needs = Arc<[SubscriptionId]>;

type Sets = HashSet<Needs, FxBuildHasher>;

/// A publisher that waits.
#[derive(Debug)]
struct Waiter<W> {
    /// The queues that must have room.
    needs: Needs,
    /// By which waiters for the same set are known.
    set: Needs,
    /// Its event's topic.
    topic: Arc<str>,
    /// What wakes it.
    token: W,
}

/// What was promised to a waiter that has been called and has not come yet.
#[derive(Debug)]
struct Grant {
    places: Vec<SubscriptionId>,
    set: Needs,
}

/// What the line asks of the queues.
pub trait Rooms {
    /// Whether an event of this topic would be taken without waiting.
    fn has_room(&self, queue: SubscriptionId, topic: &Arc<str>) -> bool;
    /// Whether an event of some topic might be taken without waiting.
    fn may_have_room(&self, _queue: SubscriptionId) -> bool {
        true
    }
    /// Promises a place.
    fn reserve(&mut self, queue: SubscriptionId);
    /// Takes a promise back.
    fn release(&mut self, queue: SubscriptionId);
}

/// The line.
#[derive(Debug)]
pub struct Line<W> {
    next: Ticket,
    waiters: BTreeMap<Ticket, Waiter<W>>,
    by_queue: HashMap<SubscriptionId, BTreeSet<Ticket>, FxBuildHasher>,
    granted: HashMap<Ticket, Grant, FxBuildHasher>,
    /// How many of each set are in line or called.
    sets: HashMap<Needs, usize, FxBuildHasher>,
    /// Queues in which the first in line has seen room.
    held: BTreeSet<SubscriptionId>,
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        Self {
            next: 0,
            waiters: BTreeMap::new(),
            by_queue: HashMap::default(),
            granted: HashMap::default(),
            sets: HashMap::default(),
            held: BTreeSet::new(),
        }
    }
}

impl<W> Line<W> {
    /// Whether nobody waits, or has been called and not come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiters.len() + self.granted.len()
    }

    /// Whether somebody with the same set is before a newcomer.
    #[must_use]
    pub fn has_same(&self, set: &[SubscriptionId]) -> bool {
        self.sets.contains_key(set)
    }

    /// Joins the line. The caller has found that the newcomer must wait.
    ///
    /// It needs room in all of `needs`; `set` is what others must have in common with it in order not to overtake it.
    pub fn join(&mut self, needs: Needs, set: Needs, topic: Arc<str>, token: W, rooms: &mut impl Rooms) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        *self.sets.entry(Arc::clone(&set)).or_default() += 1;
        for queue in needs.iter() {
            self.by_queue.entry(*queue).or_default().insert(ticket);
        }
        self.waiters.insert(ticket, Waiter { needs, set, topic, token });
        if self.waiters.len() == 1 {
            self.look_around(rooms);
        }
        ticket
    }

    /// These queues may have room: calls those who can come now, in order, and returns their tokens.
    pub fn room_in(&mut self, queues: &[SubscriptionId], rooms: &mut impl Rooms) -> Vec<W> {
        let (mut called, mut passed_over) = (Vec::new(), Sets::default());
        let mut next = self.next_waiting(queues, 0);
        while let Some(ticket) = next {
            if self.is_first(ticket) {
                self.look_around(rooms);
            }
            if self.can_come(ticket, rooms) && !self.is_behind(ticket, &passed_over) {
                called.extend(self.call(ticket, rooms));
            } else if queues.iter().any(|queue| rooms.may_have_room(*queue)) {
                passed_over.extend(self.waiters.get(&ticket).map(|waiter| Arc::clone(&waiter.set)));
            } else {
                break;
            }
            next = self.next_waiting(queues, ticket + 1);
        }
        called
    }

    /// The next waiter, from a ticket on, who needs a place in one of these queues.
    fn next_waiting(&self, queues: &[SubscriptionId], from: Ticket) -> Option<Ticket> {
        let in_queue = |queue| self.by_queue.get(queue)?.range(from..).next().copied();
        queues.iter().filter_map(in_queue).min()
    }

    fn is_behind(&self, ticket: Ticket, passed_over: &Sets) -> bool {
        self.waiters.get(&ticket).is_some_and(|waiter| passed_over.contains(&waiter.set))
    }

    fn is_first(&self, ticket: Ticket) -> bool {
        self.waiters.first_key_value().is_some_and(|(first, _)| *first == ticket)
    }

    fn can_come(&self, ticket: Ticket, rooms: &impl Rooms) -> bool {
        let first = self.is_first(ticket);
        self.waiters.get(&ticket).is_some_and(|waiter| {
            let has_place =
                |queue: &SubscriptionId| (first && self.held.contains(queue)) || rooms.has_room(*queue, &waiter.topic);
            waiter.needs.iter().all(has_place)
        })
    }

    /// Promises a waiter its places, and those of the next who are first in line then and have all they need. Returns
    /// what wakes them.
    fn call(&mut self, ticket: Ticket, rooms: &mut impl Rooms) -> Vec<W> {
        let was_first = self.is_first(ticket);
        let Some(waiter) = self.take(ticket) else { return Vec::new() };
        for queue in waiter.needs.iter() {
            rooms.reserve(*queue);
        }
        self.granted.insert(ticket, Grant { places: waiter.needs.to_vec(), set: waiter.set });
        let mut called = vec![waiter.token];
        if was_first {
            called.extend(self.call_new_first(rooms));
        }
        called
    }

    /// Somebody else is the first in line.
    fn call_new_first(&mut self, rooms: &mut impl Rooms) -> Vec<W> {
        self.held.clear();
        self.look_around(rooms);
        match self.waiters.keys().next().copied() {
            Some(first) if self.can_come(first, rooms) => self.call(first, rooms),
            _ => Vec::new(),
        }
    }

    /// Takes a waiter out of the line, not out of its set.
    fn take(&mut self, ticket: Ticket) -> Option<Waiter<W>> {
        let waiter = self.waiters.remove(&ticket)?;
        for queue in waiter.needs.iter() {
            if let Some(tickets) = self.by_queue.get_mut(queue) {
                tickets.remove(&ticket);
                if tickets.is_empty() {
                    self.by_queue.remove(queue);
                }
            }
        }
        Some(waiter)
    }

    /// Lets the first in line keep what is free.
    fn look_around(&mut self, rooms: &impl Rooms) {
        if let Some((_, first)) = self.waiters.first_key_value() {
            let free = first.needs.iter().filter(|queue| rooms.has_room(**queue, &first.topic));
            self.held.extend(free);
        }
    }

    /// Ends a waiter's wait: it has come for its places, or has given up. Its promised places are free again.
    pub fn leave(&mut self, ticket: Ticket, rooms: &mut impl Rooms) -> Left<W> {
        let mut left = Left { places: None, token: None, called: Vec::new() };
        if let Some(grant) = self.granted.remove(&ticket) {
            self.forget(&grant.set);
            for queue in &grant.places {
                rooms.release(*queue);
            }
            left.places = Some(grant.places);
        } else {
            let was_first = self.is_first(ticket);
            let Some(waiter) = self.take(ticket) else { return left };
            self.forget(&waiter.set);
            left.token = Some(waiter.token);
            if was_first {
                left.called = self.call_new_first(rooms);
            }
            left.called.extend(self.room_in(&waiter.needs, rooms));
        }
        left
    }

    fn forget(&mut self, set: &Needs) {
        if let Some(count) = self.sets.get_mut(set) {
            *count -= 1;
            if *count == 0 {
                self.sets.remove(set);
            }
        }
    }

    /// A queue is gone: nobody needs a place in it any more. Returns the tokens of those who can come now.
    pub fn forget_queue(&mut self, queue: SubscriptionId, rooms: &mut impl Rooms) -> Vec<W> {
        for grant in self.granted.values_mut() {
            grant.places.retain(|place| *place != queue);
        }
        self.held.remove(&queue);
        let tickets = self.by_queue.remove(&queue).unwrap_or_default();
        for ticket in &tickets {
            if let Some(waiter) = self.waiters.get_mut(ticket) {
                waiter.needs = waiter.needs.iter().copied().filter(|needed| *needed != queue).collect();
            }
        }
        let (mut called, mut passed_over) = (Vec::new(), Sets::default());
        for ticket in tickets {
            if self.can_come(ticket, rooms) && !self.is_behind(ticket, &passed_over) {
                called.extend(self.call(ticket, rooms));
            } else {
                passed_over.extend(self.waiters.get(&ticket).map(|waiter| Arc::clone(&waiter.set)));
            }
        }
        called
    }

    /// Calls everybody, whatever the room: the bus is closing.
    pub fn dismiss(&mut self) -> Vec<W> {
        self.by_queue.clear();
        self.held.clear();
        let mut called = Vec::new();
        for (ticket, waiter) in std::mem::take(&mut self.waiters) {
            self.granted.insert(ticket, Grant { places: Vec::new(), set: waiter.set });
            called.push(waiter.token);
        }
        called
    }
}

/// How a waiter left the line.
#[derive(Debug)]
pub struct Left<W> {
    /// The places it had been promised, if it had been called.
    pub places: Option<Vec<SubscriptionId>>,
    /// What would have woken it, if it was still waiting.
    pub token: Option<W>,
    /// What wakes those who can come now.
    pub called: Vec<W>,
}
