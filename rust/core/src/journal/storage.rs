//! What a journal needs of a file system, so that tests can take the power away.

use std::io;

/// A folder that holds the segments.
pub trait Storage: Send + Sync + 'static {
    /// An open file, written at its end only.
    type File: Send + Sync + 'static;

    /// Makes a file that must not exist yet.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Appends some of the bytes, in one system call, and returns how many.
    ///
    /// # Errors
    ///
    /// None of them was written.
    fn write(&self, file: &Self::File, bytes: &[u8]) -> io::Result<usize>;

    /// Cuts a file.
    ///
    /// # Errors
    ///
    /// It is as long as it was.
    fn truncate(&self, file: &Self::File, size_bytes: u64) -> io::Result<()>;

    /// Makes what a file holds durable.
    ///
    /// # Errors
    ///
    /// Any part of what was written since the last success may be lost.
    fn sync(&self, file: &Self::File) -> io::Result<()>;

    /// Makes the names of the folder's files durable.
    ///
    /// # Errors
    ///
    /// They may be lost.
    fn sync_directory(&self) -> io::Result<()>;

    /// Gives a file another name, which no file has.
    ///
    /// # Errors
    ///
    /// It has the name that it had.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// It is still there.
    fn remove(&self, name: &str) -> io::Result<()>;
}
