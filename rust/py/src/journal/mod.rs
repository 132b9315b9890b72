//! The journal for Python: written, and read as rows and columns.

pub(crate) mod fs;
pub(crate) mod rows;
pub(crate) mod segment;
pub(crate) mod segment_rows;
pub(crate) mod topic_rows;
pub(crate) mod writer;
