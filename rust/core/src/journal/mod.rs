//! The append-only journal that makes a record safe before it is anywhere else.
//!
//! A journal is a folder of numbered segments. A segment is a header and then frames; a frame is a length, a CRC32C, a
//! sequence number and a payload of any bytes. Sequence numbers rise by one from frame to frame, also from one segment
//! to the next. All integers are little-endian.
//!
//! - What [`Journal::append`] has accepted is in the file: it survives the death of the process.
//! - What a [`Sync`](sync::Sync) has covered is on the disk: it survives the loss of power.
//! - What is not on the disk is also kept in memory. When a sync fails, the pages that it was for are never synced again,
//!   because the kernel may have dropped them and would report success: the segment is set aside, and what is in memory
//!   goes to a new one.
//! - A segment ends where the first sequence number of a later one begins, so what was written twice counts once.
//! - [`scan`](scan::scan) trusts nothing it reads. What is broken at the end of a segment is a torn tail, which nobody was
//!   told of as accepted; what is broken before a whole frame is damage.

mod append;
pub mod directory;
pub mod frame;
pub mod prepare;
pub mod scan;
pub mod segment;
pub mod storage;
pub mod sync;

pub use append::{AppendError, Journal};
