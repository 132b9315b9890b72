//! Any bytes are a row or an error in them; a row that is shrunk and expanded is read as it was, and so is one that is
//! written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proptest::prelude::*;
use proptest::sample::select;
use trading_events_core::codec::row::{Interner, RowSink, RowSource};
use trading_events_core::codec::time::{FIRST_US, LAST_US};
use trading_events_core::codec::{Sink, Source, Token};
use trading_events_fuzz::choices;

/// More would only be slower.
const PIECES: usize = 64;

/// Numbers where something ends.
fn edges() -> impl Strategy<Value = i64> {
    select(&[0, 1, -1, 15, 31, 63, 1 << 40, FIRST_US, FIRST_US - 1, LAST_US, LAST_US + 1, i64::MIN, i64::MAX][..])
}

fn varint(number: i64) -> Vec<u8> {
    written(Token::Int(number)).split_off(1)
}

fn written(token: Token<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    RowSink::new(&mut bytes).put(token);
    bytes
}

/// Bytes that may occur in a row, usually a first byte and what follows it: integers and timestamps, texts, and others.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let texts =
        select(&["", "a", "tick", "BTC/USDT", "éé", "a text that is longer than what its first byte can say"][..]);
    prop_oneof![
        4 => (select(&[0x03, 0x0d][..]), edges()).prop_map(|(first, number)| [vec![first], varint(number)].concat()),
        4 => (select(&[0x05, 0x06, 0x0c][..]), edges()).prop_map(|(first, number)| {
            [&[first][..], &number.to_le_bytes()].concat()
        }),
        2 => texts.clone().prop_map(|found| written(Token::Text(found))),
        2 => texts.prop_map(|found| written(Token::Name(found))),
        1 => (any::<u8>(), edges()).prop_map(|(first, number)| [vec![first], varint(number)].concat()),
        1 => any::<[u8; 3]>().prop_map(Vec::from),
    ]
}

fn tokens(row: &[u8]) -> Vec<Token<'_>> {
    let mut source = RowSource::new(row);
    std::iter::from_fn(|| source.next().ok()).collect()
}

/// Tokens as text, in which names are texts, and NaN equals itself.
fn shown(tokens: &[Token<'_>]) -> String {
    format!("{tokens:?}").replace("Name", "Text")
}

fn check(row: &[u8]) {
    let mut interner = Interner::from_texts(["tick", "BTC/USDT"]);
    let _ = interner.expand(row, &mut Vec::new());
    let (mut kept, mut again) = (Vec::new(), Vec::new());
    // A list may announce more than follows, and the bytes left tell less once they are fewer.
    if interner.shrink(row, &mut kept).is_ok() && interner.expand(&kept, &mut again).is_ok() {
        assert_eq!(shown(&tokens(&again)), shown(&tokens(row)));
    }
    let read = tokens(row);
    let mut written = Vec::new();
    let mut sink = RowSink::new(&mut written);
    for token in &read {
        sink.put(*token);
    }
    let mut source = RowSource::new(&written);
    for token in read {
        match (source.next(), token) {
            (Err(_), Token::List(_) | Token::Map(_)) => break,
            (found, token) => assert_eq!(shown(&[found.expect("it was written")]), shown(&[token])),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&choices(bytes, &piece()).take(PIECES).collect::<Vec<_>>().concat());
});
