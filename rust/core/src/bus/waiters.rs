//! The wait queue of publishers that need room.
//!
//! A waiter needs a place in several queues at once and reserves nothing until all have room. Only the head of the wait
//! queue keeps the places that it has seen free, beyond the capacity of their queues, so that it is never starved and
//! starves nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::routing::SubscriptionId;

/// Number of a waiter; a lower one came earlier.
pub type Ticket = u64;

/// Queues that a waiter needs a place in.
pub type QueueIds = Arc<[SubscriptionId]>;

type GroupKeys = HashSet<QueueIds, FxBuildHasher>;

/// FIFO group: the waiters with one key, which never overtake each other.
#[derive(Debug, Default)]
struct Group {
    waiting: BTreeSet<Ticket>,
    /// Number of members, including those that have been woken.
    members: usize,
}

/// A publisher that waits.
#[derive(Debug)]
struct Waiter<W> {
    /// Queues that must have room.
    needs: QueueIds,
    /// Key of its FIFO group.
    key: QueueIds,
    /// Topic of its event.
    topic: Arc<str>,
    /// Token that wakes it.
    token: W,
}

/// Places reserved for a waiter that has been woken and has not claimed them yet.
#[derive(Debug)]
struct Grant {
    reserved: Vec<SubscriptionId>,
    key: QueueIds,
    /// True if it was woken only to be refused.
    is_dismissed: bool,
}

/// Room in the queues.
pub trait Capacity {
    /// True if an event of this topic would be taken without waiting.
    fn has_room(&self, queue: SubscriptionId, topic: &Arc<str>) -> bool;
    /// Reserves a place.
    fn reserve(&mut self, queue: SubscriptionId);
    /// Gives a reserved place back.
    fn release(&mut self, queue: SubscriptionId);
}

/// Publishers that wait for room, in the order in which they came.
#[derive(Debug)]
pub struct WaitQueue<W> {
    next: Ticket,
    waiters: BTreeMap<Ticket, Waiter<W>>,
    groups: HashMap<QueueIds, Group, FxBuildHasher>,
    /// Keys of the groups that wait for a place in a queue.
    groups_of: HashMap<SubscriptionId, GroupKeys, FxBuildHasher>,
    granted: HashMap<Ticket, Grant, FxBuildHasher>,
    /// Queues in which the head has seen room.
    held: BTreeSet<SubscriptionId>,
}

impl<W> Default for WaitQueue<W> {
    fn default() -> Self {
        Self {
            next: 0,
            waiters: BTreeMap::new(),
            groups: HashMap::default(),
            groups_of: HashMap::default(),
            granted: HashMap::default(),
            held: BTreeSet::new(),
        }
    }
}

impl<W> WaitQueue<W> {
    /// True if nobody waits or has still to claim its places.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Number of publishers that wait or have still to claim their places.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiters.len() + self.granted.len()
    }

    /// True if a group with this key exists, so that a newcomer with it has to wait.
    #[must_use]
    pub fn has_group(&self, key: &[SubscriptionId]) -> bool {
        self.groups.contains_key(key)
    }

    /// Adds a waiter. The caller has found that it must wait.
    ///
    /// It needs room in all of `needs`; `key` is that of its FIFO group.
    pub fn join(
        &mut self,
        needs: QueueIds,
        key: QueueIds,
        topic: Arc<str>,
        token: W,
        rooms: &mut impl Capacity,
    ) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        self.groups.entry(Arc::clone(&key)).or_default().members += 1;
        self.enlist(ticket, &needs, &key);
        self.waiters.insert(ticket, Waiter { needs, key, topic, token });
        if self.waiters.len() == 1 {
            self.note_free(rooms);
        }
        ticket
    }

    fn enlist(&mut self, ticket: Ticket, needs: &QueueIds, key: &QueueIds) {
        self.groups.entry(Arc::clone(key)).or_default().waiting.insert(ticket);
        for queue in needs.iter() {
            self.groups_of.entry(*queue).or_default().insert(Arc::clone(key));
        }
    }

    /// Reserves places in these queues, which may have room, for waiters in order, and returns the tokens of those that
    /// can proceed.
    pub fn wake_for(&mut self, queues: &[SubscriptionId], rooms: &mut impl Capacity) -> Vec<W> {
        let groups: GroupKeys =
            queues.iter().filter_map(|queue| self.groups_of.get(queue)).flatten().cloned().collect();
        self.wake_groups(groups, rooms)
    }

    /// Visits these groups in the order of their waiters, each until one of its waiters cannot proceed.
    fn wake_groups(&mut self, groups: impl IntoIterator<Item = QueueIds>, rooms: &mut impl Capacity) -> Vec<W> {
        let mut woken = Vec::new();
        let with_head =
            |wait_queue: &Self, key: QueueIds| wait_queue.groups.get(&key)?.waiting.first().map(|head| (*head, key));
        let mut heads: BTreeMap<_, _> = groups.into_iter().filter_map(|key| with_head(self, key)).collect();
        while let Some((ticket, key)) = heads.pop_first() {
            if self.waiters.contains_key(&ticket) {
                if self.is_head(ticket) {
                    self.note_free(rooms);
                }
                if !self.can_proceed(ticket, rooms) {
                    continue;
                }
                woken.extend(self.grant(ticket, rooms));
            }
            heads.extend(with_head(self, key));
        }
        woken
    }

    fn is_head(&self, ticket: Ticket) -> bool {
        self.waiters.first_key_value().is_some_and(|(first, _)| *first == ticket)
    }

    fn can_proceed(&self, ticket: Ticket, rooms: &impl Capacity) -> bool {
        let first = self.is_head(ticket);
        self.waiters.get(&ticket).is_some_and(|waiter| {
            let has_place =
                |queue: &SubscriptionId| (first && self.held.contains(queue)) || rooms.has_room(*queue, &waiter.topic);
            waiter.needs.iter().all(has_place)
        })
    }

    /// Reserves places for a waiter, and then for each new head that has all it needs. Returns the tokens to wake.
    fn grant(&mut self, ticket: Ticket, rooms: &mut impl Capacity) -> Vec<W> {
        let mut woken = Vec::new();
        let mut next = Some(ticket);
        while let Some(ticket) = next.take() {
            let was_head = self.is_head(ticket);
            let Some(waiter) = self.remove(ticket) else { break };
            for queue in waiter.needs.iter() {
                rooms.reserve(*queue);
            }
            self.granted
                .insert(ticket, Grant { reserved: waiter.needs.to_vec(), key: waiter.key, is_dismissed: false });
            woken.push(waiter.token);
            if was_head {
                next = self.promote_head(rooms).filter(|first| self.can_proceed(*first, rooms));
            }
        }
        woken
    }

    /// Makes the next waiter the head, which keeps the places that are free.
    fn promote_head(&mut self, rooms: &impl Capacity) -> Option<Ticket> {
        self.held.clear();
        self.note_free(rooms);
        self.waiters.keys().next().copied()
    }

    /// Removes a waiter; it remains a member of its group.
    fn remove(&mut self, ticket: Ticket) -> Option<Waiter<W>> {
        let waiter = self.waiters.remove(&ticket)?;
        if let Some(group) = self.groups.get_mut(&waiter.key) {
            group.waiting.remove(&ticket);
            if group.waiting.is_empty() {
                self.unlist(&waiter.needs, &waiter.key);
            }
        }
        Some(waiter)
    }

    /// Notes that a group waits for places in these queues no longer.
    fn unlist(&mut self, needs: &QueueIds, key: &QueueIds) {
        for queue in needs.iter() {
            if let Some(groups) = self.groups_of.get_mut(queue) {
                groups.remove(key);
                if groups.is_empty() {
                    self.groups_of.remove(queue);
                }
            }
        }
    }

    /// Lets the head keep the places that are free.
    fn note_free(&mut self, rooms: &impl Capacity) {
        if let Some((_, first)) = self.waiters.first_key_value() {
            let free = first.needs.iter().filter(|queue| rooms.has_room(**queue, &first.topic));
            self.held.extend(free);
        }
    }

    /// Ends a wait: the places were claimed, or the publisher has given up. Reserved places are free again.
    pub fn leave(&mut self, ticket: Ticket, rooms: &mut impl Capacity) -> Left<W> {
        let mut left = Left { reserved: None, is_dismissed: false, token: None, woken: Vec::new() };
        if let Some(grant) = self.granted.remove(&ticket) {
            self.leave_group(&grant.key);
            for queue in &grant.reserved {
                rooms.release(*queue);
            }
            left.reserved = Some(grant.reserved);
            left.is_dismissed = grant.is_dismissed;
            if grant.is_dismissed {
                left.woken = self.wake_groups([grant.key], rooms); // who came later has stood behind it
            }
        } else {
            let was_head = self.is_head(ticket);
            let Some(waiter) = self.remove(ticket) else { return left };
            self.leave_group(&waiter.key);
            left.token = Some(waiter.token);
            if was_head {
                let first = self.promote_head(rooms).filter(|first| self.can_proceed(*first, rooms));
                left.woken = first.map_or_else(Vec::new, |first| self.grant(first, rooms));
            }
            left.woken.extend(self.wake_groups([waiter.key], rooms));
        }
        left
    }

    fn leave_group(&mut self, key: &QueueIds) {
        if let Some(group) = self.groups.get_mut(key) {
            group.members -= 1;
            if group.members == 0 {
                self.groups.remove(key);
            }
        }
    }

    /// Forgets a queue, in which nobody needs a place any more. Returns the tokens of waiters that can proceed.
    pub fn remove_queue(&mut self, queue: SubscriptionId, rooms: &mut impl Capacity) -> Vec<W> {
        let without = |ids: &[SubscriptionId]| ids.iter().copied().filter(|id| *id != queue).collect::<QueueIds>();
        for grant in self.granted.values_mut() {
            let promised = grant.reserved.len();
            grant.reserved.retain(|position| *position != queue);
            (grant.reserved.len()..promised).for_each(|_| rooms.release(queue));
            if grant.key.contains(&queue) {
                grant.key = without(&grant.key);
            }
        }
        self.held.remove(&queue);
        let old_keys: Vec<QueueIds> = self.groups.keys().filter(|key| key.contains(&queue)).cloned().collect();
        let mut new_keys = GroupKeys::default();
        for old in old_keys {
            let Some(group) = self.groups.remove(&old) else { continue };
            let new = without(&old);
            self.groups.entry(Arc::clone(&new)).or_default().members += group.members;
            for ticket in group.waiting {
                let Some(waiter) = self.waiters.get_mut(&ticket) else { continue };
                let left = without(&waiter.needs);
                let needs = std::mem::replace(&mut waiter.needs, Arc::clone(&left));
                waiter.key = Arc::clone(&new);
                self.unlist(&needs, &old);
                self.enlist(ticket, &left, &new);
            }
            new_keys.insert(new);
        }
        self.wake_groups(new_keys, rooms)
    }

    /// Tokens of all waiters.
    pub fn tokens(&self) -> impl Iterator<Item = &W> {
        self.waiters.values().map(|waiter| &waiter.token)
    }

    /// Wakes all waiters, whatever the room, because the bus is closing.
    pub fn dismiss(&mut self) -> Vec<W> {
        self.groups_of.clear();
        self.held.clear();
        self.groups.values_mut().for_each(|group| group.waiting.clear());
        let mut woken = Vec::new();
        for (ticket, waiter) in std::mem::take(&mut self.waiters) {
            self.granted.insert(ticket, Grant { reserved: Vec::new(), key: waiter.key, is_dismissed: true });
            woken.push(waiter.token);
        }
        woken
    }
}

/// Result of leaving the wait queue.
#[derive(Debug)]
pub struct Left<W> {
    /// Reserved places, if the waiter had been woken.
    pub reserved: Option<Vec<SubscriptionId>>,
    /// True if it had been woken only to be refused.
    pub is_dismissed: bool,
    /// Its token, if it was still waiting.
    pub token: Option<W>,
    /// Tokens of waiters that can proceed.
    pub woken: Vec<W>,
}
