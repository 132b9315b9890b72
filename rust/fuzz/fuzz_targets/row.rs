//! Any bytes are a row or an error within them; a row that is shrunk and expanded is read as it was, and so is one that is
//! written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proptest::prelude::*;
use trading_events_core::codec::row::{Interner, RowSink, RowSource};
use trading_events_core::codec::time::{FIRST_US, LAST_US};
use trading_events_core::codec::{Sink, Source, Token};
use trading_events_fuzz::choices;

/// More would only be slower.
const PIECES: usize = 64;

fn edges() -> impl Strategy<Value = i64> {
    prop_oneof![
        prop::sample::select(&[0, 1, -1, 15, 31, 63, FIRST_US, LAST_US, i64::MIN, i64::MAX][..]),
        FIRST_US..=LAST_US,
        any::<i64>(),
    ]
}

fn varint(number: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    RowSink::new(&mut bytes).put(Token::Int(number));
    bytes.split_off(1)
}

/// Bytes that may stand in a row: mostly a first byte and a number that has the length it asks for.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop_oneof![3 => 0..=0x10_u8, 1 => any::<u8>()];
    let text = prop_oneof!["[a-c]{0,3}", "[a-c]é{1,20}", "b{60,70}"];
    prop_oneof![
        (tag.clone(), edges()).prop_map(|(tag, number)| [vec![tag], varint(number)].concat()),
        (tag, edges()).prop_map(|(tag, number)| [&[tag][..], &number.to_le_bytes()].concat()),
        (any::<bool>(), text).prop_map(|(is_name, text)| {
            let mut bytes = Vec::new();
            RowSink::new(&mut bytes).put(if is_name { Token::Name(&text) } else { Token::Text(&text) });
            bytes
        }),
        prop::collection::vec(any::<u8>(), 1..4),
    ]
}

fn tokens(row: &[u8]) -> Vec<Token<'_>> {
    let mut source = RowSource::new(row);
    std::iter::from_fn(|| source.next().ok()).collect()
}

/// Tokens as text, in which names are texts, and what is not a number equals itself.
fn shown(tokens: &[Token<'_>]) -> String {
    format!("{tokens:?}").replace("Name", "Text")
}

fn check(row: &[u8]) {
    let mut interner = Interner::from_texts(["tick", "BTC/USDT"]);
    let _ = interner.expand(row, &mut Vec::new());
    let (mut kept, mut again) = (Vec::new(), Vec::new());
    // A list may announce more than follows, of which the bytes that are left tell less once they are fewer.
    if interner.shrink(row, &mut kept).is_ok() && interner.expand(&kept, &mut again).is_ok() {
        assert_eq!(shown(&tokens(&again)), shown(&tokens(row)));
    }
    let read = tokens(row);
    let mut written = Vec::new();
    let mut sink = RowSink::new(&mut written);
    read.iter().for_each(|token| sink.put(*token));
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
