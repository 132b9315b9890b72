//! Preparing the file of the next segment, so that appending does not wait for it.

use std::io;
use std::sync::Arc;

use super::append::Journal;
use super::segment::name_segment;
use super::storage::Storage;

/// A file to be made. Appending continues meanwhile; the journal is not needed for it.
pub struct Preparation<S: Storage> {
    storage: Arc<S>,
    number: u64,
}

/// A file that has been made.
pub struct Prepared<F> {
    number: u64,
    file: F,
}

impl<S: Storage> Preparation<S> {
    /// Makes the file.
    ///
    /// # Errors
    ///
    /// The file cannot be made. The next segment is then made when it is needed.
    pub fn run(self) -> io::Result<Prepared<S::File>> {
        let file = self.storage.create(&name_segment(self.number))?;
        Ok(Prepared { number: self.number, file })
    }
}

impl<S: Storage> Journal<S> {
    /// Begins to prepare the next segment; `None` if there is a file already.
    pub fn begin_prepare(&mut self) -> Option<Preparation<S>> {
        if self.prepared.is_some() {
            return None;
        }
        let number = self.next_number;
        self.next_number += 1; // whatever happens: what may be left of a file that failed keeps its name
        Some(Preparation { storage: Arc::clone(&self.storage), number })
    }

    /// Takes the prepared file.
    pub fn end_prepare(&mut self, made: Prepared<S::File>) {
        self.discard_prepared();
        self.prepared = Some((made.number, made.file));
    }

    /// Removes the prepared file, if there is one.
    pub fn discard_prepared(&mut self) {
        if let Some((number, _)) = self.prepared.take() {
            let _ = self.storage.remove(&name_segment(number)); // an empty segment does no harm
        }
    }

    /// The prepared file, unless a segment with a higher number was made since.
    pub(super) fn take_prepared(&mut self) -> Option<(u64, S::File)> {
        if self.prepared.as_ref().is_some_and(|(number, _)| *number < self.number()) {
            self.discard_prepared();
        }
        self.prepared.take()
    }
}
