//! Events of tests as rows.

use trading_events_core::codec::row::{RowSink, RowSource, TrustedRow};
use trading_events_core::codec::{Sink, Source, Token};
use trading_events_core::queue::Stored;

/// The row of an event that is a number.
pub(crate) fn row_of(event: u64) -> Vec<u8> {
    let mut row = Vec::new();
    let mut sink = RowSink::new(&mut row);
    sink.put(Token::Name("number"));
    sink.put(Token::Moment(i64::try_from(event).unwrap()));
    sink.put(Token::Unsigned(event));
    row
}

/// The number of an event, live or packed.
pub(crate) fn number_of(kept: Stored<u64>) -> u64 {
    let rows = match kept {
        Stored::Live(event) => return event,
        Stored::Packed(rows) => rows,
    };
    assert_eq!(rows.count(), 1);
    let mut row = Vec::new();
    rows.read_row(&mut row).unwrap();
    let mut source = TrustedRow::new(RowSource::new(&row));
    assert_eq!(source.next(), Ok(Token::Name("number")));
    let Ok(Token::Moment(micros)) = source.next() else { panic!("the moment comes back") };
    assert_eq!(source.next(), Ok(Token::Unsigned(micros.unsigned_abs())));
    micros.unsigned_abs()
}
