//! Phases of a bus, from open to closed.

use super::offer::Origin;

/// How open a bus is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Takes events.
    #[default]
    Open,
    /// Takes no new events but those of its own handlers, and works off what it has.
    Closing,
    /// Has given up what waited, and takes only its own word.
    Ending,
    /// Has nothing left.
    Closed,
}

impl Phase {
    /// Whether the bus takes events from somebody.
    pub(crate) fn admits(self, origin: Origin) -> bool {
        match self {
            Self::Open => true,
            Self::Closing => origin != Origin::Publisher,
            Self::Ending => origin == Origin::Bus,
            Self::Closed => false,
        }
    }
}
