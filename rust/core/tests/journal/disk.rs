//! A disk in memory: written bytes are in a cache, synced bytes are kept, and each call may fail as planned.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use trading_events_core::journal::scan::scan;
use trading_events_core::journal::segment::{Header, read_name};
use trading_events_core::journal::storage::Storage;

/// Failure of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    Fails(ErrorKind),
    /// Only so many bytes are written.
    Short(usize),
}

/// Failures, each after so many calls that succeed.
pub(crate) fn faults() -> impl Strategy<Value = Vec<(usize, Fault)>> {
    let fault = prop_oneof![
        Just(Fault::Fails(ErrorKind::StorageFull)),
        Just(Fault::Fails(ErrorKind::Other)),
        Just(Fault::Fails(ErrorKind::Interrupted)),
        (1usize..40).prop_map(Fault::Short),
    ];
    prop::collection::vec((0usize..6, fault), 0..8)
}

#[derive(Debug, Clone)]
pub(crate) enum Loss {
    /// All written bytes are still there.
    Process,
    /// Of bytes that were not synced only some are there: `kept` decides.
    Power { kept: u64 },
}

#[derive(Debug, Default, Clone)]
struct Content {
    cached: Vec<u8>,
    durable: usize,
    is_named: bool,
    /// The kernel reports a failed sync once and then takes the pages as clean.
    lost_from: Option<usize>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    open: Vec<Arc<Mutex<String>>>,
    faults: Vec<(usize, Fault)>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

impl Disk {
    pub(crate) fn failing(mut faults: Vec<(usize, Fault)>) -> Self {
        faults.reverse();
        Self(Arc::new(Mutex::new(State { faults, ..State::default() })))
    }

    pub(crate) fn heal(&self) {
        self.0.lock().unwrap().faults.clear();
    }

    pub(crate) fn fail_next(&self, fault: Fault) {
        self.0.lock().unwrap().faults.push((0, fault));
    }

    /// The disk after a crash.
    pub(crate) fn after(&self, loss: &Loss) -> Self {
        let state = self.0.lock().unwrap();
        let mut files = BTreeMap::new();
        for (index, (name, content)) in state.files.iter().enumerate() {
            let mut content = content.clone();
            if let Loss::Power { kept } = loss {
                let luck = kept.rotate_right(u32::try_from(index * 7 % 64).unwrap());
                if !content.is_named && luck & 1 == 0 {
                    continue;
                }
                let end = content.lost_from.unwrap_or(content.cached.len());
                let unsynced = end.saturating_sub(content.durable) as u64;
                let kept = usize::try_from((luck >> 1) % (unsynced + 1)).unwrap();
                content.cached.truncate(content.durable + kept);
            }
            content.durable = content.cached.len();
            files.insert(name.clone(), Content { is_named: true, lost_from: None, ..content });
        }
        Self(Arc::new(Mutex::new(State { files, ..State::default() })))
    }

    /// The payloads that a reader finds, by sequence number, and the numbers of the segments.
    pub(crate) fn recover(&self) -> (Vec<(u64, Vec<u8>)>, Option<u64>) {
        let state = self.0.lock().unwrap();
        let segments: BTreeMap<u64, &Vec<u8>> =
            state.files.iter().filter_map(|(name, content)| Some((read_name(name)?, &content.cached))).collect();
        let mut limit = u64::MAX;
        let mut found = vec![];
        for bytes in segments.values().rev() {
            let scanned = scan(bytes, limit);
            assert_eq!(scanned.damaged, [], "nobody has damaged a segment");
            if let Ok(header) = scanned.header {
                limit = limit.min(header.first_seq);
            }
            let payloads = scanned.frames.iter().map(|frame| (frame.seq, bytes[frame.payload.clone()].to_vec()));
            found.splice(0..0, payloads);
        }
        (found, segments.keys().next_back().copied())
    }

    /// The greatest first sequence number of a segment.
    pub(crate) fn floor(&self) -> u64 {
        let state = self.0.lock().unwrap();
        let segments = state.files.iter().filter(|(name, _)| read_name(name).is_some());
        let headers = segments.filter_map(|(_, content)| Header::read(&content.cached).ok());
        headers.map(|header| header.first_seq).max().unwrap_or(1)
    }

    fn fault(state: &mut State) -> Option<Fault> {
        let (left, fault) = state.faults.last_mut()?;
        if *left > 0 {
            *left -= 1;
            return None;
        }
        let fault = *fault;
        state.faults.pop();
        Some(fault)
    }

    fn call<T>(&self, act: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        match Self::fault(&mut state) {
            Some(Fault::Fails(kind)) if kind != ErrorKind::Interrupted => Err(kind.into()),
            _ => Ok(act(&mut state)),
        }
    }
}

impl Storage for Disk {
    type File = Arc<Mutex<String>>;

    fn create(&self, name: &str) -> io::Result<Self::File> {
        self.call(|state| {
            assert!(state.files.insert(name.into(), Content::default()).is_none(), "{name} is made twice");
            let file = Arc::new(Mutex::new(name.into()));
            state.open.push(Arc::clone(&file));
            file
        })
    }

    fn write(&self, file: &Self::File, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        let count = match Self::fault(&mut state) {
            Some(Fault::Fails(kind)) => return Err(kind.into()),
            Some(Fault::Short(most)) => most.min(bytes.len()),
            None => bytes.len(),
        };
        state.files.get_mut(&*file.lock().unwrap()).unwrap().cached.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn truncate(&self, file: &Self::File, size_bytes: u64) -> io::Result<()> {
        self.call(|state| {
            let content = state.files.get_mut(&*file.lock().unwrap()).unwrap();
            content.cached.truncate(usize::try_from(size_bytes).unwrap());
            content.durable = content.durable.min(content.cached.len());
        })
    }

    fn sync(&self, file: &Self::File) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let failure = Self::fault(&mut state);
        let content = state.files.get_mut(&*file.lock().unwrap()).unwrap();
        if let Some(Fault::Fails(kind)) = failure {
            content.lost_from.get_or_insert(content.durable);
            return Err(kind.into());
        }
        if content.lost_from.is_none() {
            content.durable = content.cached.len();
        }
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.call(|state| state.files.values_mut().for_each(|content| content.is_named = true))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(|state| {
            let content = state.files.remove(from).unwrap();
            assert!(state.files.insert(to.into(), content).is_none(), "{to} is replaced");
            for open in state.open.iter().filter(|open| *open.lock().unwrap() == from) {
                *open.lock().unwrap() = to.into();
            }
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.call(|state| drop(state.files.remove(name)))
    }
}
