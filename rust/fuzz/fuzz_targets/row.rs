//! Any bytes are a row or an error within them; a row that is shrunk and expanded is read as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trading_events_core::codec::row::{Interner, RowSource};
use trading_events_core::codec::{Source, Token};

fn tokens(row: &[u8]) -> Vec<Token<'_>> {
    let mut source = RowSource::new(row);
    std::iter::from_fn(|| source.next().ok()).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let mut interner = Interner::from_texts(["tick", "BTC/USDT"]);
    let _ = interner.expand(bytes, &mut Vec::new());
    let (mut kept, mut again) = (Vec::new(), Vec::new());
    // A list may announce more than follows, of which the bytes that are left tell less once they are fewer.
    let same = |row: &[u8]| format!("{:?}", tokens(row)).replace("Name", "Text");
    if interner.shrink(bytes, &mut kept).is_ok() && interner.expand(&kept, &mut again).is_ok() {
        assert_eq!(same(&again), same(bytes));
    }
});
