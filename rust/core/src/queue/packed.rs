//! Events that are kept as rows: many in one block of bytes, each shared by all who wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::codec::DecodeError;
use crate::codec::row::{Interner, RoutingKey, first_moment};
use crate::codec::varint::{put_varint, read_varint};

/// How many bytes a block has, unless a single row is longer. Whoever keeps one row keeps its block, and that is not to
/// weigh more than some two events would as objects.
const BLOCK_BYTES: usize = 4096;

/// After so many rows a full interner is followed by another: earlier, it would be full again of texts that never come
/// back; never, and what comes now would not be in it.
const ROWS_AN_INTERNER: u64 = 1 << 20;

#[derive(Debug)]
struct Block {
    interner: Arc<Mutex<Interner>>,
    /// What the first moment of each row is made relative to.
    since: Option<i64>,
    /// The rows, each behind its length.
    bytes: Mutex<Vec<u8>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Block {
    /// Where the row that begins at a place has its content, and where it ends.
    fn span(bytes: &[u8], offset: u16) -> (usize, usize) {
        let at = usize::from(offset).min(bytes.len());
        let (length, size) = read_varint(&bytes[at..]).unwrap_or_default();
        let start = at + size;
        (start, start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len()))
    }
}

/// Rows that lie one behind the other in a block, at least one. The block lives for as long as somebody has any of them.
#[derive(Debug, Clone)]
pub struct PackedRun {
    block: Arc<Block>,
    start: u16,
    /// Where they end; of no account for the single row of a block that is longer than others.
    end: u16,
    count: u16,
}

impl PartialEq for PackedRun {
    fn eq(&self, other: &Self) -> bool {
        let place = |rows: &Self| (rows.start, rows.count);
        Arc::ptr_eq(&self.block, &other.block) && place(self) == place(other)
    }
}

impl Eq for PackedRun {}

impl PackedRun {
    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Takes in what lies right behind; says whether it does.
    pub(crate) fn append_run(&mut self, next: &Self) -> bool {
        let does = Arc::ptr_eq(&self.block, &next.block) && self.end == next.start;
        if does {
            (self.end, self.count) = (next.end, self.count + next.count);
        }
        does
    }

    /// Takes out the first, where there are several.
    pub(crate) fn split_first(&mut self) -> Option<Self> {
        if self.count < 2 {
            return None;
        }
        let (_, end) = Block::span(&lock(&self.block.bytes), self.start);
        let end = u16::try_from(end).unwrap_or(u16::MAX);
        let first = Self { block: Arc::clone(&self.block), start: self.start, end, count: 1 };
        (self.start, self.count) = (end, self.count - 1);
        Some(first)
    }

    /// Appends the first row, as it was put in, to bytes.
    ///
    /// # Errors
    ///
    /// It cannot be read, which does not happen.
    pub fn read_row(&self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let bytes = lock(&self.block.bytes);
        let (start, end) = Block::span(&bytes, self.start);
        lock(&self.block.interner).expand_after(self.block.since, &bytes[start..end], out)
    }

    /// What the first row says of its event's topic and time.
    ///
    /// # Errors
    ///
    /// It cannot be read, which does not happen.
    pub fn with_key<T>(&self, see: impl FnOnce(&RoutingKey<'_>) -> T) -> Result<T, DecodeError> {
        let bytes = lock(&self.block.bytes);
        let (start, end) = Block::span(&bytes, self.start);
        let interner = lock(&self.block.interner);
        Ok(see(&RoutingKey::read(&interner, self.block.since, &bytes[start..end])?))
    }
}

/// Adds up what rows take, where those of a block come one after the other.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    pub(crate) bytes: usize,
    block: Option<Arc<Block>>,
}

impl Sizes {
    pub(crate) fn add(&mut self, rows: &PackedRun) {
        let last = self.block.replace(Arc::clone(&rows.block));
        if last.as_ref().is_some_and(|last| Arc::ptr_eq(last, &rows.block)) {
            return;
        }
        self.bytes += size_of::<Block>() + lock(&rows.block.bytes).capacity();
        if !last.is_some_and(|last| Arc::ptr_eq(&last.interner, &rows.block.interner)) {
            self.bytes += lock(&rows.block.interner).size_bytes();
        }
    }
}

/// Makes rows. It keeps none itself: a block goes with the last who has a row of it, and the texts with the last block.
#[derive(Debug, Default)]
pub struct PackedArena {
    open: Weak<Block>,
    interner: Weak<Mutex<Interner>>,
    /// Since the interner was new.
    rows: u64,
    short: Vec<u8>,
}

impl PackedArena {
    /// Keeps an event's row for as long as what is returned lives.
    ///
    /// # Errors
    ///
    /// It is no row.
    pub fn add(&mut self, row: &[u8]) -> Result<PackedRun, DecodeError> {
        self.rows += 1;
        let open = self.open.upgrade();
        if let Some(rows) = open.map(|block| self.append(&block, row)).transpose()?.flatten() {
            return Ok(rows);
        }
        let block = Arc::new(Block {
            interner: self.current_interner(),
            since: first_moment(row),
            bytes: Mutex::new(Vec::with_capacity(BLOCK_BYTES)),
        });
        self.open = Arc::downgrade(&block);
        let rows = self.append(&block, row)?;
        rows.ok_or_else(|| DecodeError::new(0, "the row does not fit into a block of its own"))
    }

    /// Puts a row into a block, if it has room.
    fn append(&mut self, block: &Arc<Block>, row: &[u8]) -> Result<Option<PackedRun>, DecodeError> {
        self.short.clear();
        lock(&block.interner).shrink_after(block.since, row, &mut self.short)?;
        let mut bytes = lock(&block.bytes);
        let (start, length) = (bytes.len(), self.short.len());
        if start > 0 && start + length + 2 > BLOCK_BYTES {
            return Ok(None);
        }
        if start + length + 2 > BLOCK_BYTES {
            bytes.reserve_exact(length + 8);
        }
        put_varint(&mut bytes, length as u64);
        bytes.extend_from_slice(&self.short);
        let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        Ok(Some(PackedRun { block: Arc::clone(block), start: place(start), end: place(bytes.len()), count: 1 }))
    }

    fn current_interner(&mut self) -> Arc<Mutex<Interner>> {
        let current =
            self.interner.upgrade().filter(|current| self.rows < ROWS_AN_INTERNER || !lock(current).is_full());
        current.unwrap_or_else(|| {
            let new = Arc::new(Mutex::new(Interner::default()));
            (self.interner, self.rows) = (Arc::downgrade(&new), 0);
            new
        })
    }
}
