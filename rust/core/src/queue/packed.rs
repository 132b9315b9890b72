//! Packed events: rows in shared blocks of bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::codec::DecodeError;
use crate::codec::row::{Interner, RoutingKey, first_moment};
use crate::codec::varint::{put_varint, read_varint};

/// Bytes of a block, unless a single row is longer. A block lives as long as any of its rows, so it must not weigh more
/// than some two events do as objects.
const BLOCK_BYTES: usize = 4096;

/// Rows after which a full interner is replaced: sooner, the new one would fill up with texts that never come back;
/// never, and recent texts would not be interned.
const ROWS_AN_INTERNER: u64 = 1 << 20;

#[derive(Debug)]
struct Block {
    interner: Arc<Mutex<Interner>>,
    /// Base of the first timestamp of each row.
    since: Option<i64>,
    /// The rows, each behind its length.
    bytes: Mutex<Vec<u8>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Block {
    /// Start and end of the row whose length is at an offset.
    fn span(bytes: &[u8], offset: u16) -> (usize, usize) {
        let at = usize::from(offset).min(bytes.len());
        let (length, size) = read_varint(&bytes[at..]).unwrap_or_default();
        let start = at + size;
        (start, start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len()))
    }
}

/// Consecutive rows of a block, at least one. The block lives as long as any of its runs.
#[derive(Debug, Clone)]
pub struct PackedRun {
    block: Arc<Block>,
    start: u16,
    /// Offset of their end; unused for the single row of an oversized block.
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
    /// Number of rows.
    #[must_use]
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Appends an adjacent run; returns false if it is not adjacent.
    pub(crate) fn append_run(&mut self, next: &Self) -> bool {
        let does = Arc::ptr_eq(&self.block, &next.block) && self.end == next.start;
        if does {
            (self.end, self.count) = (next.end, self.count + next.count);
        }
        does
    }

    /// Takes the first row of several.
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

    /// Appends the first row, as it was added, to bytes.
    ///
    /// # Errors
    ///
    /// The row is damaged, which does not happen.
    pub fn read_row(&self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let bytes = lock(&self.block.bytes);
        let (start, end) = Block::span(&bytes, self.start);
        lock(&self.block.interner).expand_after(self.block.since, &bytes[start..end], out)
    }

    /// Calls `see` with the routing key of the first row.
    ///
    /// # Errors
    ///
    /// The row is damaged, which does not happen.
    pub fn with_key<T>(&self, see: impl FnOnce(&RoutingKey<'_>) -> T) -> Result<T, DecodeError> {
        let bytes = lock(&self.block.bytes);
        let (start, end) = Block::span(&bytes, self.start);
        let interner = lock(&self.block.interner);
        Ok(see(&RoutingKey::read(&interner, self.block.since, &bytes[start..end])?))
    }
}

/// Sums the memory of rows, where those of a block are consecutive.
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

/// Packs rows into blocks. It holds none of them: a block is freed with its last row, and interned texts with the last
/// block.
#[derive(Debug, Default)]
pub struct PackedArena {
    open: Weak<Block>,
    interner: Weak<Mutex<Interner>>,
    /// Number of rows since the interner was new.
    rows: u64,
    short: Vec<u8>,
}

impl PackedArena {
    /// Packs a row. It lives as long as the returned run.
    ///
    /// # Errors
    ///
    /// The bytes are no row.
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

    /// Appends a row to a block if it has room.
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
