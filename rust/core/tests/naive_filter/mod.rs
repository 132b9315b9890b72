//! Filters evaluated naively, after their contract, on subjects from a small world where much coincides.

use proptest::prelude::*;
use proptest::sample::select;
use trading_events_core::filter::{Filter, TopicInfo};

/// Number of callables that a generated filter may name.
pub(crate) const CALLABLES: usize = 4;

/// Topic information of every class with every exchange and symbol, and without. The class itself heads its lineage.
pub(crate) fn subjects() -> Vec<TopicInfo<'static>> {
    let classes: [(&str, &[usize]); 3] = [("tick", &[11, 1, 0]), ("trade", &[12, 1, 0]), ("order_filled", &[13, 2, 0])];
    let mut subjects = Vec::new();
    for (event_type, lineage) in classes {
        for exchange in [None, Some("x"), Some("xy")] {
            for symbol in [None, Some("A"), Some("A.B")] {
                subjects.push(TopicInfo { event_type, lineage, exchange, symbol });
            }
        }
    }
    subjects
}

fn names(from: &'static [&'static str]) -> impl Strategy<Value = Box<[Box<str>]>> {
    prop::collection::vec(select(from).prop_map(Box::from), 1..3).prop_map(Vec::into_boxed_slice)
}

fn leaves() -> impl Strategy<Value = Filter<usize>> {
    let bound = || prop::option::of(0..4_i64);
    prop_oneof![
        1 => any::<bool>().prop_map(Filter::Constant),
        2 => names(&["tick", "trade", "order_filled"]).prop_map(Filter::EventType),
        2 => (select(&[0, 1, 2, 11, 12][..]), 0..CALLABLES).prop_map(|(class, kept)| Filter::Class(class, kept)),
        3 => names(&["x", "xy", "z"]).prop_map(Filter::Exchange),
        3 => names(&["A", "A.B", "B"]).prop_map(Filter::Symbol),
        2 => (bound(), bound()).prop_map(|(start, end)| Filter::Time { start, end }),
        4 => (0..CALLABLES).prop_map(Filter::Custom),
    ]
}

/// Trees of all kinds of conditions.
pub(crate) fn filters() -> impl Strategy<Value = Filter<usize>> {
    leaves().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::All),
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Any),
            1 => inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

/// Questions to the event itself, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Time,
    Call(usize),
}

/// True if a subject passes a filter, asking from left to right until the answer is certain.
///
/// `ask` returns the time, or a callable's answer as 0 or 1.
pub(crate) fn passes<X>(
    filter: &Filter<usize>,
    info: &TopicInfo<'_>,
    ask: &mut impl FnMut(Question) -> Result<i64, X>,
) -> Result<bool, X> {
    let holds = |names: &[Box<str>], name: Option<&str>| name.is_some_and(|name| names.contains(&Box::from(name)));
    Ok(match filter {
        Filter::Constant(value) => *value,
        Filter::EventType(names) => holds(names, Some(info.event_type)),
        Filter::Class(class, _) => info.lineage.contains(class),
        Filter::Exchange(names) => holds(names, info.exchange),
        Filter::Symbol(names) => holds(names, info.symbol),
        Filter::Time { start, end } => {
            let now = ask(Question::Time)?;
            now >= start.unwrap_or(i64::MIN) && end.is_none_or(|end| now < end)
        }
        Filter::Custom(callable) => ask(Question::Call(*callable))? == 1,
        Filter::Not(part) => !passes(part, info, ask)?,
        Filter::All(parts) | Filter::Any(parts) => {
            let goes_on = matches!(filter, Filter::All(_));
            let mut value = goes_on;
            for part in parts {
                if value == goes_on {
                    value = passes(part, info, ask)?;
                }
            }
            value
        }
    })
}
