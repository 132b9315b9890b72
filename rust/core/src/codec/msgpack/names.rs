//! Names of an event's entries, and their keys.

/// Version of the msgpack form: the one written, and the newest read.
pub(super) const VERSION: i64 = 1;

/// Short keys of the fields that every event has. No field's own name begins with an underscore.
const SHORT: [(&str, &str); 6] = [
    ("event_id", "_id"),
    ("event_type", "_t"),
    ("timestamp", "_ts"),
    ("exchange", "_x"),
    ("symbol", "_s"),
    ("metadata", "_m"),
];

/// The key of a field in a map.
pub(super) fn key_of(name: &str) -> String {
    SHORT.iter().find(|(long, _)| *long == name).map_or_else(|| escape(name), |(_, short)| (*short).to_owned())
}

/// The key of a name that may begin with an underscore; never a short key.
pub(super) fn escape(name: &str) -> String {
    if name.starts_with('_') { format!("_{name}") } else { name.to_owned() }
}

/// The name of such a key; `None` for an unknown short key.
pub(super) fn unescape(key: &str) -> Option<&str> {
    match key.strip_prefix('_') {
        None => Some(key),
        Some(rest) if rest.starts_with('_') => Some(rest),
        Some(_) => None,
    }
}
