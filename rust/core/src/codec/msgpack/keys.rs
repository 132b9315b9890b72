//! Keys of an event's map.

use super::names::{VERSION, key_of};
use super::sink::MsgpackSink;
use crate::codec::layout::MsgpackKeys;
use crate::codec::token::{Sink as _, Token};

impl MsgpackKeys {
    /// Keys of the fields with these names.
    pub(in crate::codec) fn new(event_type: &str, names: &[String]) -> Self {
        let texts: Box<[String]> = names.iter().map(|name| key_of(name)).collect();
        Self { packed: texts.iter().map(|key| pack_text(key)).collect(), head: pack_head(event_type), texts }
    }

    /// Index of the field that has a key; `expected` is tried first.
    pub(super) fn index_of(&self, key: &str, expected: usize) -> Option<usize> {
        if self.texts.get(expected).is_some_and(|at| at == key) {
            return Some(expected);
        }
        self.texts.iter().position(|at| at == key)
    }
}

fn pack_text(text: &str) -> Box<[u8]> {
    let mut sink = MsgpackSink::new(Vec::new());
    sink.put(Token::Text(text));
    sink.finish().into()
}

fn pack_head(event_type: &str) -> Box<[u8]> {
    let mut sink = MsgpackSink::new(Vec::new());
    sink.put(Token::Text("_v"));
    sink.put(Token::Int(VERSION));
    sink.put(Token::Text("_t"));
    sink.put(Token::Text(event_type));
    sink.finish().into()
}
