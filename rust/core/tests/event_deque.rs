//! An event deque beside a list.

#[path = "rows/mod.rs"]
mod rows;

use proptest::prelude::*;
use rows::{number_of, row_of};
use trading_events_core::queue::{EventDeque, PackedArena, PackedRun, Stored};

#[derive(Debug, Clone, Copy)]
enum Step {
    Push,
    /// A row, adjacent to the last one or not.
    PushRow {
        elsewhere: bool,
    },
    /// Appends a second handle to all but the first events, runs included.
    PushShared {
        skipped: usize,
    },
    Pop,
    /// The last event is packed, if it is the one meant.
    PackLast {
        is_meant: bool,
    },
    /// Only in an indexed deque.
    PackAt {
        index: usize,
        is_meant: bool,
    },
    /// Only in an indexed deque.
    Replace {
        index: usize,
    },
    Shrink,
    /// Continues with a second handle to the same events.
    Share,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = 0..8_usize;
    let step = prop_oneof![
        6 => Just(Step::Push),
        3 => any::<bool>().prop_map(|elsewhere| Step::PushRow { elsewhere }),
        1 => index.clone().prop_map(|skipped| Step::PushShared { skipped }),
        6 => Just(Step::Pop),
        6 => prop::bool::weighted(0.8).prop_map(|is_meant| Step::PackLast { is_meant }),
        3 => (index.clone(), any::<bool>()).prop_map(|(index, is_meant)| Step::PackAt { index, is_meant }),
        3 => index.prop_map(|index| Step::Replace { index }),
        1 => Just(Step::Shrink),
        1 => Just(Step::Share),
    ];
    prop::collection::vec(step, 1..60)
}

/// An event of the list, and true if it is packed.
type Item = (u64, bool);

fn item_of(kept: Stored<u64>) -> Item {
    let is_row = matches!(kept, Stored::Packed(_));
    (number_of(kept), is_row)
}

struct Pair {
    sequence: EventDeque<u64>,
    list: Vec<Item>,
    is_indexed: bool,
    arena: PackedArena,
    next: u64,
}

impl Pair {
    fn new(is_indexed: bool) -> Self {
        let sequence = if is_indexed { EventDeque::indexed() } else { EventDeque::default() };
        Self { sequence, list: Vec::new(), is_indexed, arena: PackedArena::default(), next: 0 }
    }

    fn row(&mut self, event: u64) -> PackedRun {
        self.arena.add(&row_of(event)).expect("it is a row")
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Push => {
                self.next += 1;
                self.sequence.push(self.next);
                self.list.push((self.next, false));
            }
            Step::PushRow { elsewhere } => self.push_row(elsewhere),
            Step::PushShared { skipped } if !self.is_indexed && self.list.len() < 100 => {
                let again = self.list.get(skipped..).unwrap_or_default().to_vec();
                self.list.extend(again);
                self.sequence.share_after(skipped, |event| *event).for_each(|kept| self.sequence.push_stored(kept));
            }
            Step::Pop => {
                let first = if self.list.is_empty() { None } else { Some(self.list.remove(0)) };
                assert_eq!(self.sequence.pop().map(item_of), first);
            }
            Step::PackLast { is_meant } => {
                let meant = self.list.last().copied().filter(|(_, is_row)| is_meant && !is_row);
                let row = self.row(self.list.last().map_or(0, |item| item.0));
                assert_eq!(self.sequence.pack_last(&row, |_| is_meant), meant.map(|item| item.0));
                if let Some(item) = self.list.last_mut().filter(|_| is_meant) {
                    item.1 = true;
                }
            }
            Step::PackAt { index, is_meant } if self.is_indexed => self.pack_at(index, is_meant),
            Step::Replace { index } if self.is_indexed => self.replace(index),
            Step::Shrink => self.sequence.shrink(),
            Step::Share => self.sequence = self.sequence.share(|event| *event),
            Step::PushShared { .. } | Step::PackAt { .. } | Step::Replace { .. } => {}
        }
    }

    fn push_row(&mut self, elsewhere: bool) {
        self.next += 1;
        let between = elsewhere.then(|| self.row(0));
        let row = self.row(self.next);
        drop(between);
        self.sequence.push_stored(Stored::Packed(row));
        self.list.push((self.next, true));
    }

    fn pack_at(&mut self, index: usize, is_meant: bool) {
        let row = self.row(self.list.get(index).map_or(0, |item| item.0));
        let meant = self.list.get_mut(index).filter(|(_, is_row)| is_meant && !is_row);
        let packed = self.sequence.pack_at(index, &row, |_| is_meant);
        assert_eq!(packed, meant.as_ref().map(|item| item.0), "only the event that is meant becomes a row, once");
        if let Some(item) = meant {
            item.1 = true;
        }
    }

    fn replace(&mut self, index: usize) {
        self.next += 1;
        let older = self.list.get_mut(index).map(|item| std::mem::replace(item, (self.next, false)));
        assert_eq!(self.sequence.replace(index, self.next).map(item_of), older);
    }

    fn check(&self, skipped: usize) {
        assert_same(&self.sequence, &self.list);
        assert_holds(self.sequence.share(|event| *event), &self.list);
        let rest = self.list.get(skipped..).unwrap_or_default();
        assert_holds(self.sequence.share_after(skipped, |event| *event), rest);
    }
}

fn assert_same(sequence: &EventDeque<u64>, list: &[Item]) {
    assert_eq!((sequence.len(), sequence.is_empty()), (list.len(), list.is_empty()));
    assert_eq!(sequence.live_len(), list.iter().filter(|(_, is_row)| !is_row).count());
}

fn assert_holds(sequence: EventDeque<u64>, list: &[Item]) {
    assert_same(&sequence, list);
    assert_eq!(sequence.map(item_of).collect::<Vec<_>>(), list);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sequence_does_what_a_list_does_whatever_of_it_is_rows(
        is_indexed in any::<bool>(), steps in steps(), skipped in 0..12_usize,
    ) {
        let mut pair = Pair::new(is_indexed);
        for step in steps {
            pair.step(step);
            pair.check(skipped);
        }
    }
}

/// A deque of adjacent rows.
fn of_rows(count: u64) -> EventDeque<u64> {
    let mut arena = PackedArena::default();
    (0..count).map(|event| Stored::Packed(arena.add(&row_of(event)).unwrap())).collect()
}

#[test]
fn rows_that_lie_one_behind_the_other_take_the_place_of_one_event() {
    let rows = of_rows(1_000);
    let mut apart = EventDeque::indexed();
    rows.share(|event| *event).for_each(|row| apart.push_stored(row));
    assert!(apart.size_bytes() > rows.size_bytes() + 1_000 * size_of::<Stored<u64>>() / 2);
}

#[test]
fn rows_of_two_blocks_never_share_a_place() {
    let [mut left, mut right] = [PackedArena::default(), PackedArena::default()];
    let first = left.add(&row_of(1)).unwrap();
    let before = right.add(&row_of(2)).unwrap();
    let behind_as_far = right.add(&row_of(3)).unwrap();
    let sequence: EventDeque<u64> = [first, behind_as_far].map(Stored::Packed).into_iter().collect();
    assert_eq!(sequence.map(number_of).collect::<Vec<_>>(), [1, 3]);
    drop(before);
}

#[test]
fn a_sequence_whose_rows_are_gone_is_as_light_as_one_that_never_had_any() {
    let fill = |mut sequence: EventDeque<u64>| {
        (0..1_000).for_each(|event| sequence.push(event));
        sequence.size_bytes()
    };
    let mut emptied = of_rows(3);
    assert_eq!(emptied.by_ref().count(), 3);
    assert_eq!(fill(emptied), fill(EventDeque::default()));
}

#[test]
fn the_memory_of_a_large_burst_is_given_back_and_that_of_a_small_one_kept() {
    for mut sequence in [EventDeque::default(), EventDeque::indexed()] {
        (0..10_000_u64).for_each(|event| sequence.push(event));
        sequence.shrink();
        assert_eq!(sequence.len(), 10_000);
        assert_eq!(sequence.by_ref().count(), 10_000);
        sequence.shrink();
        assert_eq!(sequence.size_bytes(), 0);
        (0..100).for_each(|event| sequence.push(event));
        assert_eq!(sequence.by_ref().count(), 100);
        sequence.shrink();
        assert!(sequence.size_bytes() >= 100 * size_of::<u64>());
    }
}
