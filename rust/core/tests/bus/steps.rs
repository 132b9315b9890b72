//! Random steps of a bus.

use proptest::prelude::*;
use proptest::sample::select;
use trading_events_core::queue::Overflow;
use trading_events_core::subscription::{Delivery, End};

/// Number of topics.
pub(crate) const TOPICS: usize = 4;

/// Origin of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    Publisher,
    /// The handler of an existing subscription.
    Handler(usize),
    Insider,
    Bus,
}

/// An event for some of the subscriptions, one bit each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) voice: Voice,
    pub(crate) topic: usize,
    pub(crate) targets: u8,
    /// True if the publisher can call handlers itself.
    pub(crate) can_call: bool,
}

/// One step. `which` picks one of those that can take it, modulo their number; without any, nothing happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Subscribe {
        capacity: usize,
        overflow: Overflow,
        tells_gaps: bool,
        delivery: Delivery,
        pattern: &'static str,
        is_paused: bool,
    },
    /// Preloads so many events.
    Preload {
        which: usize,
        count: u64,
    },
    Resume {
        which: usize,
    },
    Unsubscribe {
        which: usize,
        drain: bool,
    },
    Publish {
        event: Event,
    },
    PublishNowait {
        event: Event,
    },
    PublishExceeding {
        event: Event,
    },
    PublishAtOnce {
        topic: usize,
        can_call: bool,
    },
    Claim {
        which: usize,
    },
    ClaimUnwoken {
        which: usize,
    },
    GiveUp {
        which: usize,
    },
    StartShared,
    LeaveShared,
    Serve,
    Take {
        which: usize,
    },
    Finish {
        which: usize,
        end: End,
    },
    TakeNext {
        which: usize,
    },
    Release {
        which: usize,
    },
    TakeGap {
        which: usize,
    },
    Close,
    Abandon,
}

fn overflows() -> impl Strategy<Value = Overflow> {
    prop_oneof![4 => Just(Overflow::Block), 3 => Just(Overflow::Conflate), 1 => select(&Overflow::ALL[..])]
}

pub(crate) fn subscribes() -> impl Strategy<Value = Step> {
    let pattern = select(&["*", "t0", "t?", "[t]1", "events.*.x.B", "t1"][..]);
    let delivery = prop_oneof![2 => Just(Delivery::Queued), 1 => Just(Delivery::Inline)];
    let is_paused = prop::bool::weighted(0.3);
    (1..4_usize, overflows(), any::<bool>(), delivery, pattern, is_paused).prop_map(
        |(capacity, overflow, tells_gaps, delivery, pattern, is_paused)| Step::Subscribe {
            capacity,
            overflow,
            tells_gaps,
            delivery,
            pattern,
            is_paused,
        },
    )
}

/// Origins that may wait for room.
fn waiting_voices() -> impl Strategy<Value = Voice> {
    prop_oneof![5 => Just(Voice::Publisher), 1 => Just(Voice::Insider)]
}

fn voices() -> impl Strategy<Value = Voice> {
    prop_oneof![
        3 => waiting_voices(),
        2 => any::<usize>().prop_map(Voice::Handler),
        1 => Just(Voice::Bus),
    ]
}

fn events(voices: impl Strategy<Value = Voice>) -> impl Strategy<Value = Event> {
    let targets = prop_oneof![3 => select(&[1, 2, 3, 4, 5, 6, 7][..]), 1 => any::<u8>()];
    (voices, 0..TOPICS, targets, any::<bool>()).prop_map(|(voice, topic, targets, can_call)| Event {
        voice,
        topic,
        targets,
        can_call,
    })
}

fn publishes() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => events(waiting_voices()).prop_map(|event| Step::Publish { event }),
        2 => events(voices()).prop_map(|event| Step::PublishNowait { event }),
        1 => (0..TOPICS, any::<bool>()).prop_map(|(topic, can_call)| Step::PublishAtOnce { topic, can_call }),
        4 => any::<usize>().prop_map(|which| Step::Claim { which }),
        2 => any::<usize>().prop_map(|which| Step::GiveUp { which }),
        1 => (any::<usize>(), 0..4_u64).prop_map(|(which, count)| Step::Preload { which, count }),
    ]
}

fn exceeding() -> impl Strategy<Value = Step> {
    events(voices()).prop_map(|event| Step::PublishExceeding { event })
}

fn services() -> impl Strategy<Value = Step> {
    let which = any::<usize>;
    prop_oneof![
        5 => Just(Step::Serve),
        9 => which().prop_map(|which| Step::Take { which }),
        9 => (which(), select(&[End::Handled, End::Failed, End::Cancelled][..]))
            .prop_map(|(which, end)| Step::Finish { which, end }),
        5 => which().prop_map(|which| Step::TakeNext { which }),
        2 => which().prop_map(|which| Step::Release { which }),
        1 => which().prop_map(|which| Step::TakeGap { which }),
        1 => which().prop_map(|which| Step::Resume { which }),
        1 => Just(Step::StartShared),
        1 => Just(Step::LeaveShared),
    ]
}

fn rarities() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => subscribes(),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(which, drain)| Step::Unsubscribe { which, drain }),
        2 => any::<usize>().prop_map(|which| Step::ClaimUnwoken { which }),
        1 => Just(Step::Close),
        1 => Just(Step::Abandon),
    ]
}

pub(crate) fn step(with_exceeding: bool) -> impl Strategy<Value = Step> {
    let urgent = if with_exceeding { 3 } else { 0 };
    prop_oneof![20 => publishes(), urgent => exceeding(), 20 => services(), 1 => rarities()]
}

/// Programs that begin with some subscriptions.
pub(crate) fn programs(with_exceeding: bool) -> impl Strategy<Value = Vec<Step>> {
    let steps = prop::collection::vec(step(with_exceeding), 1..120);
    (prop::collection::vec(subscribes(), 2..4), steps).prop_map(|(mut all, steps)| {
        all.extend(steps);
        all
    })
}
