//! Syncing a journal: begun and ended by its owner, run by anybody meanwhile.

use std::io;
use std::sync::Arc;

use super::append::{Journal, offset};
use super::storage::Storage;

/// What is to be synced. Appending goes on while it runs; the journal is not needed for it.
pub struct Sync<S: Storage> {
    storage: Arc<S>,
    /// The files, the oldest first, each with the place up to which it then holds everything.
    files: Vec<(Arc<S::File>, u64)>,
    /// The newest of them, if its name is still to be synced.
    unnamed: Option<u64>,
    set_aside: u64,
}

/// What has become of a [`Sync`].
pub struct Synced {
    place: Option<u64>,
    named: Option<u64>,
    set_aside: u64,
    result: io::Result<()>,
}

impl<S: Storage> Sync<S> {
    /// Syncs, one file after the other, as far as it goes.
    #[must_use]
    pub fn run(self) -> Synced {
        let Self { storage, files, unnamed, set_aside } = self;
        let mut synced = Synced { place: None, named: None, set_aside, result: Ok(()) };
        // The names first: a file that is whole on the disk but has no name there is lost all the same.
        if unnamed.is_some() {
            synced.result = storage.sync_folder();
            synced.named = unnamed.filter(|_| synced.result.is_ok());
        }
        for (file, place) in files {
            if synced.result.is_ok() {
                synced.result = storage.sync(&file);
            }
            if synced.result.is_ok() {
                synced.place = Some(place);
            }
        }
        synced
    }
}

impl<S: Storage> Journal<S> {
    /// Writes what is in memory only, and returns what is to be synced. At most one sync may be between begin and end.
    ///
    /// # Errors
    ///
    /// It could not all be written.
    pub fn begin_sync(&mut self) -> io::Result<Sync<S>> {
        self.write_out()?;
        let newest = (Arc::clone(&self.newest.file), self.written);
        let files = self.ended.iter().cloned().chain([newest]).filter(|(_, place)| *place > self.base);
        Ok(Sync {
            storage: Arc::clone(&self.storage),
            files: files.collect(),
            unnamed: Some(self.number()).filter(|number| self.named < Some(*number)),
            set_aside: self.set_aside,
        })
    }

    /// Takes note of what a sync has done: what is on the disk is no longer kept in memory.
    ///
    /// # Errors
    ///
    /// It failed. What it was for has been written to a new segment, or will be by the next write; another sync is for
    /// that one.
    pub fn end_sync(&mut self, synced: Synced) -> io::Result<()> {
        if synced.set_aside != self.set_aside {
            return Ok(()); // the files are no longer those that count
        }
        self.named = self.named.max(synced.named);
        if let Some(place) = synced.place {
            self.unsynced.drain(..offset(self.base, place));
            self.base = place;
            self.ended.retain(|(_, end)| *end > place);
        }
        if synced.result.is_err() {
            self.is_broken = true;
            let _ = self.write_out(); // if this fails too, the next write tries again and says why
        }
        synced.result
    }
}
