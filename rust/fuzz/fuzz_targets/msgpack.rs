//! Any bytes are an event, a batch, or an error in them; an event that was read is written and read again as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trading_events_core::codec::msgpack::{MsgpackSink, MsgpackSource};
use trading_events_core::codec::{Key, Layout, Sink, Source, Token};

fuzz_target!(|bytes: &[u8]| {
    let layout = Layout::new("tick", &["event_id", "event_type", "timestamp", "bid"].map(String::from));
    let mut source = MsgpackSource::new(bytes);
    if source.begin().is_ok() {
        while let Ok(Some(key)) = source.next_key(&layout) {
            assert!(!matches!(key, Key::Field(index) if index >= layout.names().len()));
            if let Err(error) = source.skip() {
                assert!(error.offset <= bytes.len());
                break;
            }
        }
    }
    let mut source = MsgpackSource::new(bytes);
    let mut sink = MsgpackSink::new(Vec::new());
    let mut tokens = Vec::new();
    while let Ok(token) = source.next() {
        sink.put(token);
        tokens.push(token);
    }
    let written = sink.finish();
    let mut again = MsgpackSource::new(&written);
    for token in tokens {
        match (again.next(), token) {
            // A list at the end of the bytes may announce what was cut off.
            (Err(_), Token::List(_) | Token::Map(_)) => break,
            (Ok(Token::Float(read)), Token::Float(float)) => assert_eq!(read.to_bits(), float.to_bits()),
            (read, token) => assert_eq!(read, Ok(token)),
        }
    }
});
