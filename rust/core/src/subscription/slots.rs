//! Slots of a bus's subscriptions.

use super::Subscription;
use crate::routing::SubscriptionId;

#[derive(Debug)]
#[repr(C, align(64))]
struct Slot<E, S> {
    generation: u32,
    taken: Option<Subscription<E, S>>,
}

/// The subscriptions of a bus, by slot.
#[derive(Debug)]
pub struct Subscriptions<E, S> {
    slots: Vec<Slot<E, S>>,
    free: Vec<u32>,
}

impl<E, S> Default for Subscriptions<E, S> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<E, S> Subscriptions<E, S> {
    /// Puts a subscription into a free slot.
    ///
    /// # Panics
    /// There are more than four billion subscriptions.
    pub fn insert(&mut self, subscription: Subscription<E, S>) -> SubscriptionId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, taken: None });
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 subscriptions")
        });
        let slot = &mut self.slots[index as usize];
        slot.taken = Some(subscription);
        SubscriptionId { index, generation: slot.generation }
    }

    /// Frees a slot.
    pub fn remove(&mut self, id: SubscriptionId) -> Option<Subscription<E, S>> {
        let slot = self.slots.get_mut(id.index as usize).filter(|slot| slot.generation == id.generation)?;
        let subscription = slot.taken.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.index);
        Some(subscription)
    }

    /// The subscription, if it still exists.
    #[must_use]
    pub fn get(&self, id: SubscriptionId) -> Option<&Subscription<E, S>> {
        let slot = self.slots.get(id.index as usize)?;
        if slot.generation == id.generation { slot.taken.as_ref() } else { None }
    }

    /// The subscription, if it still exists.
    pub fn get_mut(&mut self, id: SubscriptionId) -> Option<&mut Subscription<E, S>> {
        let slot = self.slots.get_mut(id.index as usize)?;
        if slot.generation == id.generation { slot.taken.as_mut() } else { None }
    }

    /// The subscription, if it still takes events.
    #[must_use]
    pub fn hearing(&self, id: SubscriptionId) -> Option<&Subscription<E, S>> {
        self.get(id).filter(|subscription| !subscription.ending)
    }

    /// All subscriptions.
    pub fn iter(&self) -> impl Iterator<Item = (SubscriptionId, &Subscription<E, S>)> {
        self.slots.iter().zip(0..).filter_map(|(slot, index)| {
            let id = SubscriptionId { index, generation: slot.generation };
            slot.taken.as_ref().map(|subscription| (id, subscription))
        })
    }
}
