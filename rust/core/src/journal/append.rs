//! Appending to a journal.

use std::io;
use std::mem;
use std::sync::Arc;

use super::frame::{MAX_PAYLOAD_BYTES, push_frame, u64_at};
use super::segment::{HEADER_BYTES, Header, UNFINISHED, name_segment};
use super::storage::Storage;

/// Reason why nothing was appended.
#[derive(Debug)]
pub enum AppendError {
    /// The file system refused.
    Io(io::Error),
    /// So much waits to be synced that no more is taken into memory; a sync makes room.
    Behind,
    /// A payload exceeds the limit of a frame.
    TooLong(usize),
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The segment that frames are appended to.
pub(super) struct Segment<F> {
    number: u64,
    first_seq: u64,
    pub(super) file: Arc<F>,
    /// Offset of its first frame in the journal.
    start: u64,
}

/// The writing end of a journal: one owner, no clock, no thread.
///
/// An offset in the journal counts the bytes of all frames before it.
pub struct Journal<S: Storage> {
    pub(super) storage: Arc<S>,
    pub(super) next_number: u64,
    next_seq: u64,
    most_unsynced_bytes: usize,
    /// Frames that are not known to be on disk, which a failed sync may lose.
    pub(super) unsynced: Vec<u8>,
    /// Offset of the first of them.
    pub(super) base: u64,
    /// Offset up to which frames are in files.
    pub(super) written: u64,
    pub(super) newest: Segment<S::File>,
    /// Earlier files that are not known to be on disk, the oldest first, each with the offset of its end.
    pub(super) ended: Vec<(Arc<S::File>, u64)>,
    /// True if the newest segment can no longer be trusted with frames.
    pub(super) is_broken: bool,
    /// The newest segment whose name is known to be on disk.
    pub(super) named: Option<u64>,
    /// Number of times that segments were abandoned.
    pub(super) abandoned: u64,
    /// An empty file for the next segment.
    pub(super) prepared: Option<(u64, S::File)>,
}

impl<S: Storage> Journal<S> {
    /// Opens a journal: begins a segment of this number, whose first frame will have this sequence number.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
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
            abandoned: 0,
            prepared: None,
        })
    }

    /// Appends payloads, all or none, with one system call.
    ///
    /// # Errors
    ///
    /// None was appended. If the file cannot be truncated either, some may be found if the process dies before the next
    /// call.
    pub fn append<'a>(&mut self, payloads: impl IntoIterator<Item = &'a [u8]>) -> Result<(), AppendError> {
        let (mark, seq) = (self.unsynced.len(), self.next_seq);
        let taken = self.take(payloads).and_then(|()| Ok(self.write_out()?));
        if taken.is_err() {
            self.take_back(mark, seq);
        }
        taken
    }

    /// Appends payloads, all or none, to memory only, until [`Journal::write_out`].
    ///
    /// # Errors
    ///
    /// None was appended.
    pub fn append_to_memory<'a>(&mut self, payloads: impl IntoIterator<Item = &'a [u8]>) -> Result<(), AppendError> {
        let (mark, seq) = (self.unsynced.len(), self.next_seq);
        let taken = self.take(payloads);
        if taken.is_err() {
            self.unsynced.truncate(mark);
            self.next_seq = seq;
        }
        taken
    }

    /// Writes the frames that are only in memory.
    ///
    /// # Errors
    ///
    /// Some frames are still only in memory.
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

    /// Ends the newest segment and begins another. Returns the number of the ended one, or `None` if it is empty and is
    /// kept.
    ///
    /// # Errors
    ///
    /// Nothing has changed.
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

    /// Number of frames in the newest segment.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.next_seq - self.newest.first_seq
    }

    /// Bytes of the frames in the newest segment.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.offset() - self.newest.start
    }

    /// Offset of the end.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.base + self.unsynced.len() as u64
    }

    /// Offset up to which frames are known to be on disk.
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

    /// Number of times that a segment could no longer be trusted, and the frames in memory went to a new one.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.abandoned
    }

    /// Begins a segment with all frames that are not known to be on disk, and forgets the segments that contain them.
    pub(super) fn replace_segment(&mut self) -> io::Result<()> {
        let first_seq = if self.unsynced.is_empty() { self.next_seq } else { u64_at(&self.unsynced, 8) };
        self.newest = self.begin_segment(first_seq, self.base, 0)?;
        self.ended.clear();
        self.written = self.offset();
        self.is_broken = false;
        self.abandoned += 1;
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

    /// Turns a prepared file into a segment. Until its header is complete it hides no frames, and it then hides none of
    /// others, since it has none.
    fn begin_prepared(&mut self, number: u64, file: S::File) -> io::Result<Segment<S::File>> {
        let header = Header { number, first_seq: self.next_seq };
        if let Err(error) = write_all(&*self.storage, &file, &header.to_bytes()) {
            let _ = self.storage.remove(&name_segment(number));
            return Err(error);
        }
        Ok(Segment { number, first_seq: self.next_seq, file: Arc::new(file), start: self.written })
    }

    /// Makes a segment with the unsynced frames from `from` on.
    fn begin_segment(&mut self, first_seq: u64, start: u64, from: usize) -> io::Result<Segment<S::File>> {
        let number = self.next_number;
        self.next_number += 1; // whatever happens: what may be left of a file that failed keeps its name
        make_segment(&*self.storage, Header { number, first_seq }, &self.unsynced[from..], start)
    }
}

/// Makes a segment. It gets its name when it is complete, because from then on it hides equal frames in earlier
/// segments.
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

/// Distance between two offsets that are both in memory.
pub(super) fn distance(from: u64, to: u64) -> usize {
    usize::try_from(to - from).expect("what is in memory has an index")
}
