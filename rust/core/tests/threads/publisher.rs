//! A publishing thread, and its share of the loop.

use std::sync::Arc;

use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::sync::mpsc::Sender;
use shuttle::sync::{Mutex, MutexGuard};
use trading_events_core::bus::{Bus, Offer, OfferOptions, Origin, WhenFull};
use trading_events_core::routing::SubscriptionId;

/// Its publisher and its number there.
pub(crate) type Event = (usize, usize);
pub(crate) type TestBus = Bus<Event, (), &'static str>;

/// State that all threads share.
pub(crate) struct Shared {
    bus: Mutex<TestBus>,
    /// Wake-ups that the loop has not answered yet.
    pub(crate) pending: AtomicUsize,
    /// Wake-ups ever.
    pub(crate) posted: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(bus: TestBus) -> Arc<Self> {
        Arc::new(Self { bus: Mutex::new(bus), pending: AtomicUsize::new(0), posted: AtomicUsize::new(0) })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, TestBus> {
        self.bus.lock().unwrap()
    }
}

/// A thread that publishes.
pub(crate) struct Publisher {
    pub(crate) shared: Arc<Shared>,
    pub(crate) event_loop: Sender<usize>,
    pub(crate) when_full: WhenFull,
    pub(crate) origin: Origin,
}

impl Publisher {
    /// Publishes, wakes the loop if there is something to do in it, and returns the result.
    pub(crate) fn publish(&self, topic: &str, targets: &[SubscriptionId], event: Event) -> Offer<Event> {
        let options = OfferOptions { when_full: self.when_full, origin: self.origin, can_call: false };
        let (offer, hired) = {
            let mut bus = self.shared.lock();
            let offer = bus.publish(&Arc::from(topic), targets, options, || event);
            (offer, bus.start_first_shared())
        };
        let has_woken = self.shared.lock().has_woken();
        if hired > 0 || has_woken {
            let pending = self.shared.pending.fetch_add(1, Ordering::SeqCst);
            assert!(pending == 0 || hired == 0, "whoever has a leader coming does not ask for another");
            self.shared.posted.fetch_add(1, Ordering::SeqCst);
            self.event_loop.send(hired).unwrap();
        }
        offer
    }
}
