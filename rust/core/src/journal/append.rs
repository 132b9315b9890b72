//! The writing end of a journal.

use std::io;
use std::mem;
use std::sync::Arc;

use super::frame::{MAX_PAYLOAD_BYTES, push_frame, u64_at};
use super::segment::{HEADER_BYTES, Header, UNFINISHED, name_segment};
use super::storage::Storage;

/// Why nothing was appended.
#[derive(Debug)]
pub enum AppendError {
    /// The file system refused.
    Io(io::Error),
    /// So much waits to be synced that no more is taken into memory: worth trying again after a sync.
    Behind,
    /// A payload is longer than any frame.
    TooLong(usize),
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The segment that frames go to.
pub(super) struct Segment<F> {
    number: u64,
    first_seq: u64,
    pub(super) file: Arc<F>,
    /// How many bytes of frames the journal had taken before its first.
    start: u64,
}

/// The writing end of a journal: one owner, no clock, no thread.
///
/// A place in the journal is how many bytes of frames it had taken when it came there.
pub struct Journal<S: Storage> {
    pub(super) storage: Arc<S>,
    pub(super) next_number: u64,
    next_seq: u64,
    most_unsynced_bytes: usize,
    /// The frames that are not known to be on the disk, and so all that a failed sync may lose.
    pub(super) unsynced: Vec<u8>,
    /// The place where those begin.
    pub(super) base: u64,
    /// The place up to which frames are in files.
    pub(super) written: u64,
    pub(super) newest: Segment<S::File>,
    /// The files before the newest that are not known to be on the disk, the oldest first, each with the place of its end.
    pub(super) ended: Vec<(Arc<S::File>, u64)>,
    /// Whether the newest segment can no longer be trusted with frames.
    pub(super) is_broken: bool,
    /// The newest segment whose name is known to be on the disk.
    pub(super) named: Option<u64>,
    /// How many times segments have been set aside.
    pub(super) quarantined: u64,
    /// A file for the next segment, empty as yet.
    pub(super) prepared: Option<(u64, S::File)>,
}

impl<S: Storage> Journal<S> {
    /// Begins a segment of this number whose first frame will have this sequence number.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn open(storage: S, number: u64, seq: u64, most_unsynced_bytes: usize) -> io::Result<Self> {
        let newest = make_segment(&storage, Header { number, first_seq: seq }, &[], 0)?;
        Ok(Self {
            storage: Arc::new(storage),
            next_number: number + 1,
            next_seq: seq,
            most_unsynced_bytes,
            unsynced: Vec::new(),
            base: 0,
            written: 0,
            newest,
            ended: Vec::new(),
            is_broken: false,
            named: None,
            quarantined: 0,
            prepared: None,
        })
    }

    /// Takes payloads, all or none, and writes their frames with one system call.
    ///
    /// # Errors
    ///
    /// None was taken. If the file cannot even be cut, some may be found should the process die before the next call.
    pub fn append<'a>(&mut self, payloads: impl IntoIterator<Item = &'a [u8]>) -> Result<(), AppendError> {
        let (mark, seq) = (self.unsynced.len(), self.next_seq);
        let taken = self.take(payloads).and_then(|()| Ok(self.write_out()?));
        if taken.is_err() {
            self.take_back(mark, seq);
        }
        taken
    }

    /// Takes payloads, all or none, into memory only, until [`Journal::write_out`].
    ///
    /// # Errors
    ///
    /// None was taken.
    pub fn append_to_memory<'a>(&mut self, payloads: impl IntoIterator<Item = &'a [u8]>) -> Result<(), AppendError> {
        let (mark, seq) = (self.unsynced.len(), self.next_seq);
        let taken = self.take(payloads);
        if taken.is_err() {
            self.unsynced.truncate(mark);
            self.next_seq = seq;
        }
        taken
    }

    /// Writes what is in memory only.
    ///
    /// # Errors
    ///
    /// Some of it is still in memory only.
    pub fn write_out(&mut self) -> io::Result<()> {
        if self.is_broken {
            self.replace_segment()?;
        }
        while self.written < self.offset() {
            let rest = &self.unsynced[distance(self.base, self.written)..];
            match self.storage.write(&self.newest.file, rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends the newest segment and begins another. Returns the number of the one that has ended, or nothing if it is
    /// empty and stays.
    ///
    /// # Errors
    ///
    /// Everything is as before.
    pub fn rotate(&mut self) -> io::Result<Option<u64>> {
        self.write_out()?;
        if self.frames() == 0 {
            return Ok(None);
        }
        let next = match self.take_prepared() {
            Some((number, file)) => self.begin_prepared(number, file)?,
            None => self.begin_segment(self.next_seq, self.written, self.unsynced.len())?,
        };
        let ended = mem::replace(&mut self.newest, next);
        self.ended.push((ended.file, self.written));
        Ok(Some(ended.number))
    }

    /// How many frames the newest segment has.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.next_seq - self.newest.first_seq
    }

    /// How many bytes of frames the newest segment has.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.offset() - self.newest.start
    }

    /// The place after the last frame.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.base + self.unsynced.len() as u64
    }

    /// The place up to which frames are known to be on the disk.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.base
    }

    /// The sequence number of the next frame.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The number of the newest segment.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.newest.number
    }

    /// How many times a segment could no longer be trusted, and what was in memory went to a new one.
    #[must_use]
    pub fn quarantined(&self) -> u64 {
        self.quarantined
    }

    /// Begins a new segment with all that is not known to be on the disk, and forgets the ones it was in.
    pub(super) fn replace_segment(&mut self) -> io::Result<()> {
        let first_seq = if self.unsynced.is_empty() { self.next_seq } else { u64_at(&self.unsynced, 8) };
        self.newest = self.begin_segment(first_seq, self.base, 0)?;
        self.ended.clear();
        self.written = self.offset();
        self.is_broken = false;
        self.quarantined += 1;
        Ok(())
    }

    fn take<'a>(&mut self, payloads: impl IntoIterator<Item = &'a [u8]>) -> Result<(), AppendError> {
        if self.unsynced.len() >= self.most_unsynced_bytes {
            return Err(AppendError::Behind);
        }
        for payload in payloads {
            if payload.len() > MAX_PAYLOAD_BYTES {
                return Err(AppendError::TooLong(payload.len()));
            }
            push_frame(&mut self.unsynced, self.next_seq, payload);
            self.next_seq += 1;
        }
        Ok(())
    }

    fn take_back(&mut self, mark: usize, seq: u64) {
        self.unsynced.truncate(mark);
        self.next_seq = seq;
        let end = self.offset();
        if self.written > end {
            let size_bytes = HEADER_BYTES as u64 + end - self.newest.start;
            self.is_broken |= self.storage.truncate(&self.newest.file, size_bytes).is_err();
            self.written = end;
        }
    }

    /// Makes a segment of a file that has its name already. Until its header is whole it hides no frame, and then none that
    /// is anywhere else, as it has none yet.
    fn begin_prepared(&mut self, number: u64, file: S::File) -> io::Result<Segment<S::File>> {
        let header = Header { number, first_seq: self.next_seq };
        if let Err(error) = write_all(&*self.storage, &file, &header.to_bytes()) {
            let _ = self.storage.remove(&name_segment(number));
            return Err(error);
        }
        Ok(Segment { number, first_seq: self.next_seq, file: Arc::new(file), start: self.written })
    }

    /// Makes a segment that holds the unsynced frames from `from` on.
    fn begin_segment(&mut self, first_seq: u64, start: u64, from: usize) -> io::Result<Segment<S::File>> {
        let number = self.next_number;
        self.next_number += 1; // whatever happens: what may be left of a file that failed keeps its name
        make_segment(&*self.storage, Header { number, first_seq }, &self.unsynced[from..], start)
    }
}

/// Makes a segment. It gets its name when it is whole, since from then on it hides such frames in earlier segments.
fn make_segment<S: Storage>(storage: &S, header: Header, frames: &[u8], start: u64) -> io::Result<Segment<S::File>> {
    let name = name_segment(header.number);
    let unfinished = format!("{name}{UNFINISHED}");
    let file = storage.create(&unfinished)?;
    let made = write_all(storage, &file, &header.to_bytes())
        .and_then(|()| write_all(storage, &file, frames))
        .and_then(|()| storage.rename(&unfinished, &name));
    if let Err(error) = made {
        let _ = storage.remove(&unfinished);
        return Err(error);
    }
    Ok(Segment { number: header.number, first_seq: header.first_seq, file: Arc::new(file), start })
}

fn write_all<S: Storage>(storage: &S, file: &S::File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match storage.write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The distance of two places that are both in memory.
pub(super) fn distance(from: u64, to: u64) -> usize {
    usize::try_from(to - from).expect("what is in memory has an index")
}
