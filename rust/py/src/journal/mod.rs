//! The journal in Python's hands: written, and read as rows and columns.

pub(crate) mod fs;
pub(crate) mod rows;
pub(crate) mod segment;
pub(crate) mod segment_rows;
pub(crate) mod topic_rows;
pub(crate) mod writer;
