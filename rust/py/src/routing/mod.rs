//! Caches of routes, by class and by names.

pub(crate) mod classes;
pub(crate) mod memo;
