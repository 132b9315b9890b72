//! The exceptions of `trading.events.errors`, defined in Python and raised from here too.

use pyo3::import_exception;

import_exception!(trading.events.errors, PatternError);
