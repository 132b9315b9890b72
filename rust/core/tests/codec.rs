//! The forms of an event: what is put comes back, and reading any bytes ends in a value or an error.

use proptest::collection::vec;
use proptest::prelude::*;
use trading_events_core::codec::decimal::{MANTISSA_END, Parsed};
use trading_events_core::codec::msgpack::{MsgpackSink, MsgpackSource};
use trading_events_core::codec::row::{Interner, RowSink, RowSource};
use trading_events_core::codec::time::{FIRST_US, LAST_US};
use trading_events_core::codec::{Decimal, Key, Layout, Sink, Source, Token};

/// A value that owns its bytes.
#[derive(Debug, Clone)]
enum Value {
    None,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    BigInt(Vec<u8>),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Moment(i64),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    fn put<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::None => sink.put(Token::None),
            Self::Bool(truth) => sink.put(Token::Bool(*truth)),
            Self::Int(int) => sink.put(Token::Int(*int)),
            Self::Unsigned(int) => sink.put(Token::Unsigned(*int)),
            Self::BigInt(bytes) => sink.put(Token::BigInt(bytes)),
            Self::Float(float) => sink.put(Token::Float(*float)),
            Self::Text(text) => sink.put(Token::Text(text)),
            Self::Bytes(bytes) => sink.put(Token::Bytes(bytes)),
            Self::Moment(micros) => sink.put(Token::Moment(*micros)),
            Self::List(values) => {
                sink.put(Token::List(values.len()));
                for value in values {
                    value.put(sink);
                }
            }
            Self::Map(entries) => {
                sink.put(Token::Map(entries.len()));
                for (name, value) in entries {
                    sink.put(Token::Text(name));
                    value.put(sink);
                }
            }
        }
    }

    fn check<'a, S: Source<'a>>(&self, source: &mut S) {
        let token = source.next().expect("it was put");
        match (self, token) {
            (Self::None, Token::None) => {}
            (Self::Bool(put), Token::Bool(read)) => assert_eq!(*put, read),
            (Self::Int(put), Token::Int(read)) | (Self::Moment(put), Token::Moment(read)) => assert_eq!(*put, read),
            (Self::Unsigned(put), Token::Unsigned(read)) => assert_eq!(*put, read),
            (Self::Float(put), Token::Float(read)) => assert_eq!(put.to_bits(), read.to_bits()),
            (Self::Text(put), Token::Text(read) | Token::Name(read)) => assert_eq!(put, read),
            (Self::BigInt(put), Token::BigInt(read)) | (Self::Bytes(put), Token::Bytes(read)) => assert_eq!(put, read),
            (Self::List(put), Token::List(count)) => {
                assert_eq!(put.len(), count);
                for value in put {
                    value.check(source);
                }
            }
            (Self::Map(put), Token::Map(count)) => {
                assert_eq!(put.len(), count);
                for (name, value) in put {
                    Self::Text(name.clone()).check(source);
                    value.check(source);
                }
            }
            (put, read) => panic!("{put:?} came back as {read:?}"),
        }
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-200_i64..200).prop_map(Value::Int),
        (1_u64 << 63..).prop_map(Value::Unsigned),
        vec(any::<u8>(), 1..300).prop_map(Value::BigInt),
        any::<f64>().prop_map(Value::Float),
        ".{0,50}".prop_map(Value::Text),
        vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
        (FIRST_US..=LAST_US).prop_map(Value::Moment),
    ];
    leaf.prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::List),
            vec((".{0,5}", inner), 0..20).prop_map(Value::Map),
        ]
    })
}

fn decimals() -> impl Strategy<Value = Decimal> {
    let mantissas = prop_oneof![0..MANTISSA_END, 0_u128..10_000_000, Just(0), Just(MANTISSA_END - 1)];
    let exponents = prop_oneof![-40_i32..40, any::<i32>(), Just(0)];
    (any::<bool>(), mantissas, exponents).prop_map(|(negative, mantissa, exponent)| Decimal {
        negative,
        mantissa,
        exponent,
    })
}

fn layout() -> Layout {
    Layout::new("tick", &["event_id", "event_type", "bid"].map(String::from))
}

fn row_of(values: &[Value; 2]) -> Vec<u8> {
    let (layout, mut row) = (layout(), Vec::new());
    let mut sink = RowSink::new(&mut row);
    sink.begin(&layout, 0);
    for value in values {
        value.put(&mut sink);
    }
    sink.end();
    row
}

proptest! {
    #[test]
    fn a_value_comes_back_from_msgpack(value in values()) {
        let mut sink = MsgpackSink::new(Vec::new());
        value.put(&mut sink);
        let bytes = sink.finish();
        let mut source = MsgpackSource::new(&bytes);
        value.check(&mut source);
        prop_assert_eq!(source.finish(), Ok(()));
    }

    #[test]
    fn a_value_that_is_skipped_leaves_nothing(value in values()) {
        let mut sink = MsgpackSink::new(Vec::new());
        value.put(&mut sink);
        let bytes = sink.finish();
        let mut source = MsgpackSource::new(&bytes);
        prop_assert_eq!(source.skip(), Ok(()));
        prop_assert_eq!(source.finish(), Ok(()));
    }

    #[test]
    fn values_come_back_from_a_row_that_was_interned(first in values(), second in values()) {
        let values = [first, second];
        let mut interner = Interner::default();
        for _ in 0..3 {
            let (row, mut kept, mut again) = (row_of(&values), Vec::new(), Vec::new());
            interner.shrink(&row, &mut kept).unwrap();
            Interner::from_texts(interner.texts().to_vec()).expand(&kept, &mut again).unwrap();
            let mut source = RowSource::new(&again);
            prop_assert_eq!(source.begin(), Ok("tick"));
            for (index, value) in [0, 2].into_iter().zip(&values) {
                prop_assert_eq!(source.next_key(&layout()), Ok(Some(Key::Field(index))));
                value.check(&mut source);
            }
            prop_assert_eq!(source.next_key(&layout()), Ok(None));
        }
    }

    #[test]
    fn a_decimal_comes_back_from_its_text_and_from_a_row(decimal in decimals()) {
        prop_assert_eq!(Decimal::parse(&decimal.to_string()), Some(Parsed::Decimal(decimal)));
        let mut row = Vec::new();
        RowSink::new(&mut row).put(Token::Decimal(decimal));
        prop_assert_eq!(RowSource::new(&row).next(), Ok(Token::Decimal(decimal)));
    }

    #[test]
    fn any_bytes_end_in_values_or_an_error_within_them(bytes in vec(any::<u8>(), 0..200)) {
        let mut source = MsgpackSource::new(&bytes);
        while let Ok(token) = source.next() {
            if let Token::List(count) | Token::Map(count) = token {
                prop_assert!(count <= bytes.len());
            }
        }
        prop_assert!(source.offset() <= bytes.len());
        let mut source = RowSource::new(&bytes);
        while source.next().is_ok() {}
        prop_assert!(source.offset() <= bytes.len());
    }
}

#[test]
fn a_text_that_is_no_decimal_is_refused() {
    for text in
        ["", "-", ".", "1.2.3", "1e", "1e+", "1_0", " 1", "1 ", "0x1", "NaN1x", "Inf", "infinity", "--1", "1E1E1"]
    {
        assert_eq!(Decimal::parse(text), None, "{text:?}");
    }
    for text in ["NaN", "-sNaN12", "Infinity", "-Infinity"] {
        assert_eq!(Decimal::parse(text), Some(Parsed::Special), "{text:?}");
    }
    for text in ["1E+999999999999", "1E-99999999999999999999", &"9".repeat(39)] {
        assert_eq!(Decimal::parse(text), Some(Parsed::Long), "{text:?}");
    }
}

#[test]
fn a_row_bears_the_mark_of_its_layout_and_is_read_by_a_layout_without_one() {
    let names = ["event_type", "price"].map(str::to_owned);
    for mark in [None, Some(0), Some(0x1f)] {
        let layout = Layout::new("tick", &names);
        let layout = mark.map_or_else(|| Layout::new("tick", &names), |mark| layout.marked(mark));
        let mut row = Vec::new();
        let mut sink = RowSink::new(&mut row);
        sink.begin(&layout, 0);
        sink.put(Token::Int(7));
        let mut source = RowSource::new(&row);
        assert_eq!(source.begin(), Ok("tick"));
        assert_eq!(source.mark(), mark);
        let plain = Layout::new("tick", &names);
        assert_eq!(source.next_key(&plain), Ok(Some(Key::Field(1))));
        assert_eq!(source.next(), Ok(Token::Int(7)));
        assert_eq!(source.next_key(&plain), Ok(None));
    }
}
