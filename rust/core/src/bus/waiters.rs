//! The one line in which publishers wait for room.
//!
//! A waiter needs a place in several queues at once and holds nothing until all have room, except the first in line: it
//! keeps what it has seen free, beyond the capacity of that queue, so that it cannot be starved and starves nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::routing::SubscriptionId;

/// A waiter's number; a lower one came earlier.
pub type Ticket = u64;

/// The queues that a waiter needs a place in.
pub type Needs = Arc<[SubscriptionId]>;

type Sets = HashSet<Needs, FxBuildHasher>;

/// Those of one set: they never overtake each other.
#[derive(Debug, Default)]
struct Row {
    waiting: BTreeSet<Ticket>,
    /// How many there are, those included who have been called.
    members: usize,
}

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
    /// Whether it was called only to be refused.
    is_dismissed: bool,
}

/// What the line asks of the queues.
pub trait Rooms {
    /// Whether an event of this topic would be taken without waiting.
    fn has_room(&self, queue: SubscriptionId, topic: &Arc<str>) -> bool;
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
    rows: HashMap<Needs, Row, FxBuildHasher>,
    /// The rows in which somebody waits for a place in a queue.
    rows_of: HashMap<SubscriptionId, Sets, FxBuildHasher>,
    granted: HashMap<Ticket, Grant, FxBuildHasher>,
    /// Queues in which the first in line has seen room.
    held: BTreeSet<SubscriptionId>,
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        Self {
            next: 0,
            waiters: BTreeMap::new(),
            rows: HashMap::default(),
            rows_of: HashMap::default(),
            granted: HashMap::default(),
            held: BTreeSet::new(),
        }
    }
}

impl<W> Line<W> {
    /// Whether nobody waits, or has been called and not come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiters.len() + self.granted.len()
    }

    /// Whether somebody with the same set is before a newcomer.
    #[must_use]
    pub fn has_same(&self, set: &[SubscriptionId]) -> bool {
        self.rows.contains_key(set)
    }

    /// Joins the line. The caller has found that the newcomer must wait.
    ///
    /// It needs room in all of `needs`; `set` is what others must have in common with it in order not to overtake it.
    pub fn join(&mut self, needs: Needs, set: Needs, topic: Arc<str>, token: W, rooms: &mut impl Rooms) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        self.rows.entry(Arc::clone(&set)).or_default().members += 1;
        self.line_up(ticket, &needs, &set);
        self.waiters.insert(ticket, Waiter { needs, set, topic, token });
        if self.waiters.len() == 1 {
            self.look_around(rooms);
        }
        ticket
    }

    fn line_up(&mut self, ticket: Ticket, needs: &Needs, set: &Needs) {
        self.rows.entry(Arc::clone(set)).or_default().waiting.insert(ticket);
        for queue in needs.iter() {
            self.rows_of.entry(*queue).or_default().insert(Arc::clone(set));
        }
    }

    /// These queues may have room: calls those who can come now, in order, and returns their tokens.
    pub fn room_in(&mut self, queues: &[SubscriptionId], rooms: &mut impl Rooms) -> Vec<W> {
        let rows: Sets = queues.iter().filter_map(|queue| self.rows_of.get(queue)).flatten().cloned().collect();
        self.walk(rows, rooms)
    }

    /// Goes along these rows in the order of the line, and along each until somebody cannot come.
    fn walk(&mut self, rows: impl IntoIterator<Item = Needs>, rooms: &mut impl Rooms) -> Vec<W> {
        let mut called = Vec::new();
        let with_head = |line: &Self, set: Needs| line.rows.get(&set)?.waiting.first().map(|head| (*head, set));
        let mut heads: BTreeMap<_, _> = rows.into_iter().filter_map(|set| with_head(self, set)).collect();
        while let Some((ticket, set)) = heads.pop_first() {
            if self.waiters.contains_key(&ticket) {
                if self.is_first(ticket) {
                    self.look_around(rooms);
                }
                if !self.can_come(ticket, rooms) {
                    continue;
                }
                called.extend(self.call(ticket, rooms));
            }
            heads.extend(with_head(self, set));
        }
        called
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

    /// Promises a waiter its places, and as long as this makes somebody the first in line who has all it needs, that one
    /// too. Returns what wakes them.
    fn call(&mut self, ticket: Ticket, rooms: &mut impl Rooms) -> Vec<W> {
        let mut called = Vec::new();
        let mut next = Some(ticket);
        while let Some(ticket) = next.take() {
            let was_first = self.is_first(ticket);
            let Some(waiter) = self.take(ticket) else { break };
            for queue in waiter.needs.iter() {
                rooms.reserve(*queue);
            }
            self.granted.insert(ticket, Grant { places: waiter.needs.to_vec(), set: waiter.set, is_dismissed: false });
            called.push(waiter.token);
            if was_first {
                next = self.new_first(rooms).filter(|first| self.can_come(*first, rooms));
            }
        }
        called
    }

    /// Somebody else is the first in line now, and keeps what is free.
    fn new_first(&mut self, rooms: &impl Rooms) -> Option<Ticket> {
        self.held.clear();
        self.look_around(rooms);
        self.waiters.keys().next().copied()
    }

    /// Takes a waiter out of the line; it is still a member of its row.
    fn take(&mut self, ticket: Ticket) -> Option<Waiter<W>> {
        let waiter = self.waiters.remove(&ticket)?;
        if let Some(row) = self.rows.get_mut(&waiter.set) {
            row.waiting.remove(&ticket);
            if row.waiting.is_empty() {
                self.unlist(&waiter.needs, &waiter.set);
            }
        }
        Some(waiter)
    }

    /// Nobody in a row waits for places in these queues any more.
    fn unlist(&mut self, needs: &Needs, set: &Needs) {
        for queue in needs.iter() {
            if let Some(rows) = self.rows_of.get_mut(queue) {
                rows.remove(set);
                if rows.is_empty() {
                    self.rows_of.remove(queue);
                }
            }
        }
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
        let mut left = Left { places: None, is_dismissed: false, token: None, called: Vec::new() };
        if let Some(grant) = self.granted.remove(&ticket) {
            self.forget(&grant.set);
            for queue in &grant.places {
                rooms.release(*queue);
            }
            left.places = Some(grant.places);
            left.is_dismissed = grant.is_dismissed;
            if grant.is_dismissed {
                left.called = self.walk([grant.set], rooms); // who came later has stood behind it
            }
        } else {
            let was_first = self.is_first(ticket);
            let Some(waiter) = self.take(ticket) else { return left };
            self.forget(&waiter.set);
            left.token = Some(waiter.token);
            if was_first {
                let first = self.new_first(rooms).filter(|first| self.can_come(*first, rooms));
                left.called = first.map_or_else(Vec::new, |first| self.call(first, rooms));
            }
            left.called.extend(self.walk([waiter.set], rooms));
        }
        left
    }

    fn forget(&mut self, set: &Needs) {
        if let Some(row) = self.rows.get_mut(set) {
            row.members -= 1;
            if row.members == 0 {
                self.rows.remove(set);
            }
        }
    }

    /// A queue is gone: nobody needs a place in it any more. Returns the tokens of those who can come now.
    pub fn forget_queue(&mut self, queue: SubscriptionId, rooms: &mut impl Rooms) -> Vec<W> {
        let without = |ids: &[SubscriptionId]| ids.iter().copied().filter(|id| *id != queue).collect::<Needs>();
        for grant in self.granted.values_mut() {
            let promised = grant.places.len();
            grant.places.retain(|place| *place != queue);
            (grant.places.len()..promised).for_each(|_| rooms.release(queue));
            if grant.set.contains(&queue) {
                grant.set = without(&grant.set);
            }
        }
        self.held.remove(&queue);
        let old_sets: Vec<Needs> = self.rows.keys().filter(|set| set.contains(&queue)).cloned().collect();
        let mut new_sets = Sets::default();
        for old in old_sets {
            let Some(row) = self.rows.remove(&old) else { continue };
            let new = without(&old);
            self.rows.entry(Arc::clone(&new)).or_default().members += row.members;
            for ticket in row.waiting {
                let Some(waiter) = self.waiters.get_mut(&ticket) else { continue };
                let left = without(&waiter.needs);
                let needs = std::mem::replace(&mut waiter.needs, Arc::clone(&left));
                waiter.set = Arc::clone(&new);
                self.unlist(&needs, &old);
                self.line_up(ticket, &left, &new);
            }
            new_sets.insert(new);
        }
        self.walk(new_sets, rooms)
    }

    /// What wakes those who wait.
    pub fn tokens(&self) -> impl Iterator<Item = &W> {
        self.waiters.values().map(|waiter| &waiter.token)
    }

    /// Calls everybody, whatever the room: the bus is closing.
    pub fn dismiss(&mut self) -> Vec<W> {
        self.rows_of.clear();
        self.held.clear();
        self.rows.values_mut().for_each(|row| row.waiting.clear());
        let mut called = Vec::new();
        for (ticket, waiter) in std::mem::take(&mut self.waiters) {
            self.granted.insert(ticket, Grant { places: Vec::new(), set: waiter.set, is_dismissed: true });
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
    /// Whether it had been called only to be refused.
    pub is_dismissed: bool,
    /// What would have woken it, if it was still waiting.
    pub token: Option<W>,
    /// What wakes those who can come now.
    pub called: Vec<W>,
}
