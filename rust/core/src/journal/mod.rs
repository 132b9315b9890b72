//! The append-only journal, which makes a record durable before it is stored elsewhere.
//!
//! A journal is a directory of numbered segments. A segment is a header and then frames; a frame is a CRC32C, a length,
//! a sequence number and a payload of any bytes. Sequence numbers rise by one from frame to frame, and from one segment
//! to the next. All integers are little-endian.
//!
//! - An append that was accepted is in the file: it survives the death of the process.
//! - A [`Sync`](sync::Sync) puts it on disk: it survives a power loss.
//! - Frames that are not on disk are also kept in memory. When a sync fails, its pages are never synced again, because
//!   the kernel may have dropped them and would report success: the segment is abandoned, and the frames in memory go to
//!   a new one.
//! - A segment ends at the first sequence number of a later one, so that what was written twice counts once.
//! - [`scan`](scan::scan) trusts nothing it reads. Broken bytes at the end of a segment are a torn tail, which was never
//!   reported as accepted; broken bytes before a complete frame are damage.

mod append;
pub mod directory;
pub mod frame;
pub mod prepare;
pub mod scan;
pub mod segment;
pub mod storage;
pub mod sync;

pub use append::{AppendError, Journal};
