//! Msgpack becomes columns without an event in between, or is refused.

use trading_events_core::codec::columns::{Column, Form};
use trading_events_core::codec::limits::{Comparison, Limit, Limits, Name};
use trading_events_core::codec::msgpack::MsgpackSink;
use trading_events_core::codec::topic_days::sort;
use trading_events_core::codec::transcode::{Choice, Field, FieldType, Text, Transcoder};
use trading_events_core::codec::{Decimal, Layout, Sink as _, Token};

const NAMES: [&str; 7] = ["event_id", "event_type", "timestamp", "exchange", "symbol", "metadata", "value"];

fn names() -> Vec<String> {
    NAMES.iter().map(|name| (*name).to_owned()).collect()
}

fn text() -> FieldType {
    FieldType::Text(Text::new(Limits::default(), None))
}

fn name(name: Name) -> FieldType {
    let limits = Limits { name: Some(name), ..Limits::default() };
    FieldType::Optional(Box::new(FieldType::Text(Text::new(limits, None))))
}

fn transcoder(value: FieldType, form: Form) -> Transcoder {
    let fields = vec![
        Field { field_type: FieldType::Id(Text::default()), form: Form::Text },
        Field { field_type: FieldType::Choice(vec![Choice::Text("tick".to_owned())]), form: Form::Text },
        Field { field_type: FieldType::Moment, form: Form::Utc },
        Field { field_type: name(Name::Exchange), form: Form::Text },
        Field { field_type: name(Name::Symbol), form: Form::Text },
        Field { field_type: FieldType::Json, form: Form::Json },
        Field { field_type: value, form },
    ];
    Transcoder::new("tick", &names(), fields)
}

/// An event with a value, given by its tokens.
fn event(micros: i64, symbol: Token<'_>, value: &[Token<'_>]) -> Vec<u8> {
    let layout = Layout::new("tick", &names());
    let mut sink = MsgpackSink::new(Vec::new());
    sink.begin(&layout, 0);
    let head = [(0, Token::Id([0xab; 16])), (2, Token::Moment(micros)), (3, Token::Text("x")), (4, symbol)];
    for (index, token) in head {
        sink.field(&layout, index);
        sink.put(token);
    }
    sink.field(&layout, 6);
    for token in value {
        sink.put(*token);
    }
    sink.end();
    sink.finish()
}

/// The bytes of the value's columns, or nothing if it is refused.
fn columns(field_type: FieldType, form: Form, value: &[Token<'_>]) -> Option<Vec<Column>> {
    let transcoder = transcoder(field_type, form);
    let mut transcription = transcoder.begin(1);
    transcription.push(&event(0, Token::None, value)).ok()?;
    transcription.finish().and_then(|mut fields| fields.pop()).map(|(_, columns)| columns)
}

fn as_text(field_type: FieldType, form: Form, value: &[Token<'_>]) -> Option<String> {
    let (nulls, buffers) = columns(field_type, form, value)?.remove(0).finish();
    assert_eq!(nulls, 0);
    String::from_utf8(buffers.texts?).ok()
}

fn is_taken(field_type: FieldType, form: Form, value: Token<'_>) -> bool {
    columns(field_type, form, &[value]).is_some()
}

#[test]
fn an_event_becomes_a_row_of_columns() {
    let transcoder = transcoder(text(), Form::Text);
    let mut transcription = transcoder.begin(2);
    for micros in [5, 6] {
        transcription.push(&event(micros, Token::Text("BTC/USDT"), &[Token::Text("v")])).expect("it is an event");
    }
    let fields = transcription.finish().expect("all has a place");
    let texts: Vec<_> = fields.into_iter().map(|(_, mut columns)| columns.remove(0).finish().1).collect();
    let text = |index: usize| String::from_utf8(texts[index].texts.clone().unwrap_or_default()).expect("it is text");
    assert_eq!(text(0), "ab".repeat(32));
    assert_eq!(text(1), "ticktick");
    assert_eq!(texts[2].values, [5_i64.to_le_bytes(), 6_i64.to_le_bytes()].concat());
    assert_eq!(text(3), "xx");
    assert_eq!(text(4), "BTC/USDTBTC/USDT");
    assert_eq!(text(5), "{}{}");
    assert_eq!(text(6), "vv");
}

#[test]
fn values_beyond_their_limits_are_refused() {
    let above = || Limits { comparisons: vec![(Comparison::Above, Limit::Int(0))], ..Limits::default() };
    let decimal = |negative| Token::Decimal(Decimal { negative, mantissa: 110, exponent: -2 });
    assert!(is_taken(FieldType::Decimal(above()), Form::Decimal, decimal(false)));
    assert!(!is_taken(FieldType::Decimal(above()), Form::Decimal, decimal(true)));
    assert!(is_taken(FieldType::Int(above()), Form::Int, Token::Int(1)));
    assert!(!is_taken(FieldType::Int(above()), Form::Int, Token::Int(0)));
    assert!(is_taken(FieldType::Float(above()), Form::Float, Token::Float(0.5)));
    assert!(!is_taken(FieldType::Float(above()), Form::Float, Token::Float(-0.5)));
    let long =
        || FieldType::Text(Text::new(Limits { min_length: Some(2), max_length: Some(3), ..Limits::default() }, None));
    assert!(is_taken(long(), Form::Text, Token::Text("äö")));
    assert!(!is_taken(long(), Form::Text, Token::Text("ä")));
    assert!(!is_taken(long(), Form::Text, Token::Text("1234")));
    assert!(!is_taken(name(Name::Symbol), Form::Text, Token::Text("*")));
}

#[test]
fn what_is_not_of_the_kind_is_refused() {
    assert!(!is_taken(text(), Form::Text, Token::Int(1)));
    assert!(!is_taken(text(), Form::Text, Token::None));
    assert!(is_taken(FieldType::Optional(Box::new(text())), Form::Text, Token::None));
    assert!(!is_taken(FieldType::Decimal(Limits::default()), Form::Decimal, Token::Text("NaN")));
    assert!(!is_taken(FieldType::Choice(vec![Choice::Text("buy".to_owned())]), Form::Text, Token::Text("bye")));
    assert!(!is_taken(FieldType::Int(Limits::default()), Form::Int, Token::Unsigned(u64::MAX)));
    assert!(!is_taken(FieldType::Json, Form::Json, Token::Int(1)));
}

#[test]
fn events_that_are_not_whole_or_of_another_type_are_refused() {
    let transcoder = transcoder(text(), Form::Text);
    let whole = event(0, Token::None, &[Token::Text("v")]);
    assert!(transcoder.begin(1).push(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(transcoder.begin(1).push(&whole[..end]).is_err());
    }
    assert!(transcoder.begin(1).push(&[whole.as_slice(), &[0]].concat()).is_err());
    let other = whole.iter().map(|byte| if *byte == b'k' { b'l' } else { *byte }).collect::<Vec<_>>();
    assert!(transcoder.begin(1).push(&other).is_err());
}

#[test]
fn json_is_written_as_pydantic_does() {
    let values = [
        Token::Map(3),
        Token::Text("a\"\\\n\u{1}ä"),
        Token::List(4),
        Token::None,
        Token::Bool(true),
        Token::Unsigned(u64::MAX),
        Token::Float(1e16),
        Token::Text("b"),
        Token::Float(0.000_012),
        Token::Text("c"),
        Token::Map(0),
    ];
    let expected = r#"{"a\"\\\n\u0001ä":[null,true,18446744073709551615,1e16],"b":0.000012,"c":{}}"#;
    assert_eq!(as_text(FieldType::Json, Form::Json, &values).as_deref(), Some(expected));
    let twice = [Token::Map(2), Token::Text("a"), Token::None, Token::Text("a"), Token::None];
    assert_eq!(as_text(FieldType::Json, Form::Json, &twice), None);
}

#[test]
fn models_become_json_if_their_fields_are_in_order() {
    let kind = || {
        let fields = vec![("p".to_owned(), FieldType::Decimal(Limits::default())), ("q".to_owned(), FieldType::Bool)];
        FieldType::List(Box::new(FieldType::Model(fields)), Limits::default())
    };
    let decimal = Token::Decimal(Decimal { negative: false, mantissa: 10, exponent: -1 });
    let level = [Token::List(1), Token::Map(2), Token::Text("p"), decimal, Token::Text("q"), Token::Bool(false)];
    assert_eq!(as_text(kind(), Form::Json, &level).as_deref(), Some(r#"[{"p":"1.0","q":false}]"#));
    let swapped = [level[0], level[1], level[4], level[5], level[2], level[3]];
    assert_eq!(as_text(kind(), Form::Json, &swapped), None);
}

#[test]
fn events_are_sorted_by_topic_then_time_then_place() {
    let day = 86_400_000_000;
    let events = [
        event(day, Token::Text("B"), &[Token::None]),
        event(5, Token::Text("A"), &[Token::None]),
        vec![0xc1],
        event(day - 1, Token::Text("B"), &[Token::None]),
        event(5, Token::Text("A"), &[Token::None]),
        event(4, Token::Text("A"), &[Token::None]),
        event(-1, Token::None, &[Token::None]),
    ];
    let (topics, unread) = sort(events.iter().map(Vec::as_slice));
    let found: Vec<_> =
        topics.iter().map(|topic| (topic.day, topic.symbol.as_deref(), topic.events.as_slice())).collect();
    let expected: [(i64, Option<&str>, &[u32]); 4] =
        [(-1, None, &[6]), (0, Some("A"), &[5, 1, 4]), (0, Some("B"), &[3]), (1, Some("B"), &[0])];
    assert_eq!(found, expected);
    assert_eq!(unread, [2]);
    assert!(topics.iter().all(|topic| (topic.event_type.as_str(), topic.exchange.as_deref()) == ("tick", Some("x"))));
}
