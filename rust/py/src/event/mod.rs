//! Events as the bus reads them: class, exchange, symbol, identity; and filters.

pub(crate) mod event_class;
pub(crate) mod event_id;
pub(crate) mod filter;
pub(crate) mod names;
pub(crate) mod topic;
