//! Phases of a bus, from open to closed.

use super::offer::Origin;

/// Phase of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Takes events.
    #[default]
    Open,
    /// Takes only events of its own handlers and of insiders, until all have been handled.
    Closing,
    /// Has dropped waiting events, and takes only its own.
    Ending,
    /// Has nothing left.
    Closed,
}

impl Phase {
    /// True if the bus takes events of this origin.
    pub(crate) fn admits(self, origin: Origin) -> bool {
        match self {
            Self::Open => true,
            Self::Closing => origin != Origin::Publisher,
            Self::Ending => origin == Origin::Bus,
            Self::Closed => false,
        }
    }
}
