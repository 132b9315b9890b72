//! The exceptions of `trading.events.errors`, defined in Python and raised from here too.

use pyo3::import_exception;

import_exception!(trading.events.errors, BusClosedError);
import_exception!(trading.events.errors, EventDecodeError);
import_exception!(trading.events.errors, EventEncodeError);
import_exception!(trading.events.errors, ForkedBusError);
import_exception!(trading.events.errors, HandlerTypeError);
import_exception!(trading.events.errors, NotAnEventError);
import_exception!(trading.events.errors, PatternError);
import_exception!(trading.events.errors, QueueFullError);
import_exception!(trading.events.errors, ReentrancyError);
import_exception!(trading.events.errors, SubscriptionNotFoundError);
import_exception!(trading.events.errors, WrongLoopError);
