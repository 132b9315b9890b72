//! Random uses of a journal, and the payloads that must be found after a crash.

use proptest::prelude::*;
use trading_events_core::journal::frame::FRAME_HEADER_BYTES;
use trading_events_core::journal::prepare::Prepared;
use trading_events_core::journal::storage::Storage;
use trading_events_core::journal::sync::Synced;
use trading_events_core::journal::{AppendError, Journal};

use crate::disk::{Disk, Loss};

const MOST_UNSYNCED_BYTES: usize = 200;

#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Appends payloads of these lengths.
    Append(Vec<usize>),
    /// The same, into memory only.
    Defer(Vec<usize>),
    WriteOut,
    Rotate,
    BeginSync,
    EndSync,
    Sync,
    /// Makes the file of the next segment, which the journal does not know of yet.
    BeginPrepare,
    EndPrepare,
    Discard,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let lengths = prop::collection::vec(0usize..30, 0..4);
    let step = prop_oneof![
        4 => lengths.clone().prop_map(Step::Append),
        1 => lengths.prop_map(Step::Defer),
        1 => Just(Step::WriteOut),
        1 => Just(Step::Rotate),
        1 => Just(Step::BeginSync),
        1 => Just(Step::EndSync),
        2 => Just(Step::Sync),
        1 => Just(Step::BeginPrepare),
        1 => Just(Step::EndPrepare),
        1 => Just(Step::Discard),
    ];
    prop::collection::vec(step, 0..24)
}

/// A journal, and its naive model: the accepted payloads, and how many of them must have been written.
pub(crate) struct Run {
    disk: Disk,
    pub(crate) journal: Journal<Disk>,
    accepted: Vec<(u64, Vec<u8>)>,
    written: usize,
    running: Option<Synced>,
    prepared: Option<Prepared<<Disk as Storage>::File>>,
    made: u32,
}

impl Run {
    pub(crate) fn start(disk: Disk) -> Self {
        let journal = Journal::open(disk.clone(), 1, 1, MOST_UNSYNCED_BYTES)
            .or_else(|_| {
                disk.heal();
                Journal::open(disk.clone(), 2, 1, MOST_UNSYNCED_BYTES)
            })
            .unwrap();
        Self { disk, journal, accepted: vec![], written: 0, running: None, prepared: None, made: 0 }
    }

    /// A run that continues after a crash.
    pub(crate) fn reopen(&self, loss: &Loss) -> Self {
        let disk = self.disk.after(loss);
        let (accepted, newest) = disk.recover();
        let seq = accepted.last().map_or(1, |(seq, _)| seq + 1).max(disk.floor());
        let number = newest.map_or(1, |number| number + 1);
        let journal = Journal::open(disk.clone(), number, seq, MOST_UNSYNCED_BYTES).unwrap();
        let count = accepted.len();
        Self { disk, journal, accepted, written: count, running: None, prepared: None, made: self.made }
    }

    pub(crate) fn heal(&mut self) {
        self.disk.heal();
        self.end_sync();
    }

    pub(crate) fn steps(&mut self, program: &[Step]) {
        for step in program {
            self.step(step);
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Append(lengths) => {
                if self.append(lengths, Journal::append) {
                    self.written = self.accepted.len();
                }
            }
            Step::Defer(lengths) => {
                self.append(lengths, Journal::append_to_memory);
            }
            Step::WriteOut => {
                if self.journal.write_out().is_ok() {
                    self.written = self.accepted.len();
                }
            }
            Step::Rotate => {
                if self.journal.rotate().is_ok() {
                    self.written = self.accepted.len();
                }
            }
            Step::BeginSync => self.begin_sync(),
            Step::EndSync => self.end_sync(),
            Step::Sync => {
                self.end_sync();
                self.begin_sync();
                self.end_sync();
            }
            Step::BeginPrepare => self.begin_prepare(),
            Step::EndPrepare => self.end_prepare(),
            Step::Discard => self.journal.discard_prepared(),
        }
    }

    fn append<'a>(
        &mut self,
        lengths: &[usize],
        append: impl FnOnce(&mut Journal<Disk>, Vec<&'a [u8]>) -> Result<(), AppendError>,
    ) -> bool {
        let before = self.journal.next_seq();
        let payloads: Vec<Vec<u8>> = lengths.iter().map(|length| self.make(*length)).collect();
        let lent = payloads.iter().map(|payload| &*payload.clone().leak()).collect();
        let taken = append(&mut self.journal, lent).is_ok();
        if taken {
            self.accepted.extend((before..).zip(payloads));
        }
        let next = self.accepted.last().map_or(0, |(seq, _)| seq + 1);
        assert_eq!(self.journal.next_seq(), before.max(next), "what is refused takes no number");
        taken
    }

    fn make(&mut self, length: usize) -> Vec<u8> {
        self.made += 1;
        let mut payload = self.made.to_le_bytes().to_vec();
        payload.resize(4 + length, 7);
        payload
    }

    fn begin_sync(&mut self) {
        if self.running.is_none()
            && let Ok(sync) = self.journal.begin_sync()
        {
            self.written = self.accepted.len();
            self.running = Some(sync.run());
        }
    }

    fn end_sync(&mut self) {
        if let Some(synced) = self.running.take() {
            let _ = self.journal.end_sync(synced);
        }
    }

    fn begin_prepare(&mut self) {
        if self.prepared.is_none()
            && let Some(preparation) = self.journal.begin_prepare()
        {
            self.prepared = preparation.run().ok();
        }
    }

    fn end_prepare(&mut self) {
        if let Some(prepared) = self.prepared.take() {
            self.journal.end_prepare(prepared);
        }
    }

    /// Number of accepted frames that are on disk, according to the journal.
    fn synced(&self) -> usize {
        let mut unsynced = self.journal.offset() - self.journal.synced();
        let mut synced = self.accepted.len();
        while unsynced > 0 {
            synced -= 1;
            unsynced -= (FRAME_HEADER_BYTES + self.accepted[synced].1.len()) as u64;
        }
        synced
    }

    /// The payloads after a crash are a prefix of the accepted ones, and contain at least the promised ones.
    pub(crate) fn check(&self, loss: &Loss) {
        let (found, _) = self.disk.after(loss).recover();
        let promised = match loss {
            Loss::Process => self.written,
            Loss::Power { .. } => self.synced(),
        };
        assert!(found.len() >= promised, "{} of {promised} promised frames are there", found.len());
        assert_eq!(found[..promised], self.accepted[..promised]);
        // A batch that was refused half-way may still be there, after all accepted ones.
        let refused = self.accepted.last().map_or(0, |(seq, _)| seq + 1);
        for frame in &found[promised..] {
            assert!(self.accepted.contains(frame) || frame.0 >= refused, "{frame:?} was never accepted");
        }
        assert!(found.is_sorted_by(|one, other| one.0 < other.0), "a number is repeated");
    }
}
