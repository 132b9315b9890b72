//! The file system as a journal uses it, so that tests can simulate power loss.

use std::io;

/// A directory of segments.
pub trait Storage: Send + Sync + 'static {
    /// An open file, written only at its end.
    type File: Send + Sync + 'static;

    /// Makes a file that must not exist yet.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Appends some of the bytes in one system call, and returns their number.
    ///
    /// # Errors
    ///
    /// None was written.
    fn write(&self, file: &Self::File, bytes: &[u8]) -> io::Result<usize>;

    /// Truncates a file.
    ///
    /// # Errors
    ///
    /// The file is as long as before.
    fn truncate(&self, file: &Self::File, size_bytes: u64) -> io::Result<()>;

    /// Makes the contents of a file durable.
    ///
    /// # Errors
    ///
    /// Any bytes written since the last success may be lost.
    fn sync(&self, file: &Self::File) -> io::Result<()>;

    /// Makes the names of the directory's files durable.
    ///
    /// # Errors
    ///
    /// Names may be lost.
    fn sync_directory(&self) -> io::Result<()>;

    /// Renames a file to a name that no file has.
    ///
    /// # Errors
    ///
    /// The file has its old name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// The file still exists.
    fn remove(&self, name: &str) -> io::Result<()>;
}
