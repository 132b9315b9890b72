//! Places of a bus's subscriptions.

use super::Subscription;
use crate::routing::SubscriptionId;

#[derive(Debug)]
#[repr(C, align(64))]
struct Seat<E, S> {
    generation: u32,
    taken: Option<Subscription<E, S>>,
}

/// The subscriptions of a bus, by place.
#[derive(Debug)]
pub struct Subscriptions<E, S> {
    seats: Vec<Seat<E, S>>,
    free: Vec<u32>,
}

impl<E, S> Default for Subscriptions<E, S> {
    fn default() -> Self {
        Self { seats: Vec::new(), free: Vec::new() }
    }
}

impl<E, S> Subscriptions<E, S> {
    /// Finds a place.
    ///
    /// # Panics
    /// With more than four billion subscriptions.
    pub fn insert(&mut self, subscription: Subscription<E, S>) -> SubscriptionId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.seats.push(Seat { generation: 0, taken: None });
            u32::try_from(self.seats.len() - 1).expect("fewer than 2^32 subscriptions")
        });
        let seat = &mut self.seats[index as usize];
        seat.taken = Some(subscription);
        SubscriptionId { index, generation: seat.generation }
    }

    /// Gives a place up.
    pub fn remove(&mut self, id: SubscriptionId) -> Option<Subscription<E, S>> {
        let seat = self.seats.get_mut(id.index as usize).filter(|seat| seat.generation == id.generation)?;
        let subscription = seat.taken.take()?;
        seat.generation = seat.generation.wrapping_add(1);
        self.free.push(id.index);
        Some(subscription)
    }

    /// The subscription, if it still stands.
    #[must_use]
    pub fn get(&self, id: SubscriptionId) -> Option<&Subscription<E, S>> {
        let seat = self.seats.get(id.index as usize)?;
        if seat.generation == id.generation { seat.taken.as_ref() } else { None }
    }

    /// The subscription, if it still stands.
    pub fn get_mut(&mut self, id: SubscriptionId) -> Option<&mut Subscription<E, S>> {
        let seat = self.seats.get_mut(id.index as usize)?;
        if seat.generation == id.generation { seat.taken.as_mut() } else { None }
    }

    /// The subscription, if it still hears events.
    #[must_use]
    pub fn hearing(&self, id: SubscriptionId) -> Option<&Subscription<E, S>> {
        self.get(id).filter(|subscription| !subscription.ending)
    }

    /// Every place that is taken.
    pub fn iter(&self) -> impl Iterator<Item = (SubscriptionId, &Subscription<E, S>)> {
        self.seats.iter().zip(0..).filter_map(|(seat, index)| {
            let id = SubscriptionId { index, generation: seat.generation };
            seat.taken.as_ref().map(|subscription| (id, subscription))
        })
    }
}
