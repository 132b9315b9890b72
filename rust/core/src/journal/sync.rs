//! Syncing a journal: begun and ended by its owner, run by any thread.

use std::io;
use std::sync::Arc;

use super::append::{Journal, distance};
use super::storage::Storage;

/// A sync to be run. Appending continues meanwhile; the journal is not needed for it.
pub struct Sync<S: Storage> {
    storage: Arc<S>,
    /// The files, the oldest first, each with the offset up to which they then contain everything.
    files: Vec<(Arc<S::File>, u64)>,
    /// The newest file, if its name is still to be synced.
    unnamed: Option<u64>,
    abandoned: u64,
}

/// Result of a [`Sync`].
pub struct Synced {
    offset: Option<u64>,
    named: Option<u64>,
    abandoned: u64,
    result: io::Result<()>,
}

impl<S: Storage> Sync<S> {
    /// Syncs one file after the other, up to the first failure.
    #[must_use]
    pub fn run(self) -> Synced {
        let Self { storage, files, unnamed, abandoned } = self;
        let mut synced = Synced { offset: None, named: None, abandoned, result: Ok(()) };
        // Names first: a complete file without a name on disk is lost.
        if unnamed.is_some() {
            synced.result = storage.sync_directory();
            synced.named = unnamed.filter(|_| synced.result.is_ok());
        }
        for (file, offset) in files {
            if synced.result.is_ok() {
                synced.result = storage.sync(&file);
            }
            if synced.result.is_ok() {
                synced.offset = Some(offset);
            }
        }
        synced
    }
}

impl<S: Storage> Journal<S> {
    /// Writes the frames that are only in memory, and begins a sync. At most one may be between begin and end.
    ///
    /// # Errors
    ///
    /// Some frames could not be written.
    pub fn begin_sync(&mut self) -> io::Result<Sync<S>> {
        self.write_out()?;
        let newest = (Arc::clone(&self.newest.file), self.written);
        let files = self.ended.iter().cloned().chain([newest]).filter(|(_, offset)| *offset > self.base);
        Ok(Sync {
            storage: Arc::clone(&self.storage),
            files: files.collect(),
            unnamed: Some(self.number()).filter(|number| self.named < Some(*number)),
            abandoned: self.abandoned,
        })
    }

    /// Ends a sync: frames on disk are no longer kept in memory.
    ///
    /// # Errors
    ///
    /// The sync failed. Its frames were written to a new segment, or will be by the next write; another sync is for
    /// that one.
    pub fn end_sync(&mut self, synced: Synced) -> io::Result<()> {
        if synced.abandoned != self.abandoned {
            return Ok(()); // the files are no longer those that count
        }
        self.named = self.named.max(synced.named);
        if let Some(offset) = synced.offset {
            self.unsynced.drain(..distance(self.base, offset));
            self.base = offset;
            self.ended.retain(|(_, end)| *end > offset);
        }
        if synced.result.is_err() {
            self.is_broken = true;
            let _ = self.write_out(); // if this fails too, the next write tries again and says why
        }
        synced.result
    }
}
