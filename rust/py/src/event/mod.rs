//! What the bus reads of events, and what tells them apart.

pub(crate) mod event_class;
pub(crate) mod event_id;
pub(crate) mod filter;
pub(crate) mod names;
pub(crate) mod topic;
