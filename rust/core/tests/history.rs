//! A history beside a list.

#[path = "rows/mod.rs"]
mod rows;

use proptest::prelude::*;
use rows::{number_of, row_of};
use trading_events_core::queue::{History, PackedArena};

#[derive(Debug, Clone, Copy)]
enum Step {
    Push,
    /// Packs an event, perhaps the newest.
    Pack {
        is_newest: bool,
    },
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => Just(Step::Push),
        9 => prop::bool::weighted(0.8).prop_map(|is_newest| Step::Pack { is_newest }),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_history_keeps_the_newest_in_order_packed_or_not_and_gives_the_oldest_back(
        capacity in 0..9_usize, steps in steps(),
    ) {
        let (mut history, mut arena) = (History::new(capacity), PackedArena::default());
        let (mut list, mut live, mut next) = (Vec::new(), Vec::new(), 0);
        for step in steps {
            match step {
                Step::Push => {
                    next += 1;
                    list.push(next);
                    live.push(next);
                    let oldest = (list.len() > capacity).then(|| list.remove(0));
                    prop_assert_eq!(history.push(next).map(number_of), oldest);
                }
                Step::Pack { is_newest } => {
                    let event = if is_newest { next } else { next.saturating_sub(1) };
                    let row = arena.add(&row_of(event)).unwrap();
                    let is_kept = list.last() == Some(&event) && live.contains(&event);
                    prop_assert_eq!(history.pack_newest(&row, |kept| *kept == event), is_kept.then_some(event));
                    live.retain(|other| !is_kept || *other != event);
                }
                Step::Clear => prop_assert_eq!(history.clear().map(number_of).collect::<Vec<_>>(), std::mem::take(&mut list)),
            }
            live.retain(|event| list.contains(event));
            let kept = history.events().share(|event| *event);
            prop_assert_eq!((kept.len(), kept.live_len()), (list.len(), live.len()));
            prop_assert_eq!(kept.map(number_of).collect::<Vec<_>>(), &*list);
            prop_assert_eq!(history.capacity(), capacity);
        }
    }
}
