//! Filters, partially evaluated for a class and topic and then tested, beside a naive evaluation of the whole.

mod naive_filter;

use std::cell::RefCell;

use naive_filter::{CALLABLES, Question, filters, passes, subjects};
use proptest::prelude::*;
use proptest::sample::select;
use trading_events_core::filter::{Filter, TopicInfo};

/// Answers of an event; `Err` names the callable that raised, or [`CALLABLES`] for the timestamp.
#[derive(Debug, Clone)]
struct Answers {
    time: Result<i64, usize>,
    calls: Vec<Result<bool, usize>>,
}

impl Answers {
    fn give(&self, question: Question) -> Result<i64, usize> {
        match question {
            Question::Time => self.time,
            Question::Call(callable) => self.calls[callable].map(i64::from),
        }
    }

    fn naive(&self, filter: &Filter<usize>, subject: &TopicInfo<'_>) -> (Result<bool, usize>, Vec<Question>) {
        let mut asked = Vec::new();
        let result = passes(filter, subject, &mut |question| {
            asked.push(question);
            self.give(question)
        });
        (result, asked)
    }

    fn tested(&self, filter: &Filter<usize>) -> (Result<bool, usize>, Vec<Question>) {
        let asked = RefCell::new(Vec::new());
        let ask = |question| {
            asked.borrow_mut().push(question);
            self.give(question)
        };
        let result = filter.eval_residual(&mut || ask(Question::Time), &mut |callable| {
            ask(Question::Call(*callable)).map(|answer| answer == 1)
        });
        (result, asked.into_inner())
    }
}

fn answers(raising: u32) -> impl Strategy<Value = Answers> {
    let raises = move || prop::bool::weighted(f64::from(raising) / 100.0);
    let time = (0..4_i64, raises()).prop_map(|(time, raises)| if raises { Err(CALLABLES) } else { Ok(time) });
    let calls = prop::collection::vec((any::<bool>(), raises()), CALLABLES).prop_map(|calls| {
        calls.into_iter().enumerate().map(|(callable, (value, raises))| if raises { Err(callable) } else { Ok(value) })
    });
    (time, calls).prop_map(|(time, calls)| Answers { time, calls: calls.collect() })
}

fn asks_of_topics(filter: &Filter<usize>) -> bool {
    match filter {
        Filter::EventType(_) | Filter::Class(..) | Filter::Exchange(_) | Filter::Symbol(_) => true,
        Filter::Constant(_) | Filter::Time { .. } | Filter::Custom(_) => false,
        Filter::Not(part) => asks_of_topics(part),
        Filter::All(parts) | Filter::Any(parts) => parts.iter().any(asks_of_topics),
    }
}

/// True if `part` is `whole` with some left out.
fn is_within(part: &[Question], whole: &[Question]) -> bool {
    let mut residual = whole.iter();
    part.iter().all(|question| residual.any(|found| found == question))
}

fn all_questions(filter: &Filter<usize>) -> Vec<Question> {
    match filter {
        Filter::Time { .. } => vec![Question::Time],
        Filter::Custom(callable) => vec![Question::Call(*callable)],
        Filter::Not(part) => all_questions(part),
        Filter::All(parts) | Filter::Any(parts) => parts.iter().flat_map(all_questions).collect(),
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn settling_and_testing_says_what_evaluating_the_whole_says(
        filter in filters(), subject in select(subjects()), answers in answers(0),
    ) {
        let settled = filter.partial_eval(&subject);
        prop_assert_eq!(answers.tested(&settled).0, answers.naive(&filter, &subject).0, "settled: {:?}", settled);
    }

    #[test]
    fn settling_leaves_only_what_needs_the_event_and_no_constant_beside_it(
        filter in filters(), subject in select(subjects()),
    ) {
        let settled = filter.partial_eval(&subject);
        prop_assert!(!asks_of_topics(&settled));
        let holds_constant = format!("{settled:?}").contains("Constant");
        prop_assert!(matches!(settled, Filter::Constant(_)) || !holds_constant);
        prop_assert_eq!(settled.partial_eval(&subject), settled);
    }

    #[test]
    fn an_error_comes_out_and_nothing_is_asked_after_it(
        filter in filters(), subject in select(subjects()), answers in answers(30),
    ) {
        let settled = filter.partial_eval(&subject);
        let (result, asked) = answers.tested(&settled);
        prop_assert!(is_within(&asked, &all_questions(&filter)), "asked in order, and each at most once");
        let raised = asked.iter().position(|question| answers.give(*question).is_err());
        let last = asked.last().map(|last| answers.give(*last));
        prop_assert_eq!(result.err(), raised.and(last.and_then(Result::err)));
        prop_assert!(raised.is_none_or(|place| place + 1 == asked.len()));
        if let (Ok(value), _) = answers.naive(&filter, &subject) {
            prop_assert_eq!(result, Ok(value), "what is decided by the topic first spares questions, never adds one");
        }
    }

    #[test]
    fn what_is_left_is_asked_in_order_until_the_outcome_is_certain(
        filter in filters(), subject in select(subjects()), answers in answers(20),
    ) {
        let settled = filter.partial_eval(&subject);
        prop_assert_eq!(answers.tested(&settled), answers.naive(&settled, &subject));
    }

    #[test]
    fn replacing_callables_keeps_the_condition_and_goes_in_order(filter in filters()) {
        let mut seen = Vec::new();
        let numbered = filter.map(&mut |callable| {
            seen.push(*callable);
            seen.len() - 1
        });
        prop_assert_eq!(numbered.map(&mut |number| seen[*number]), filter);
        let mut numbers = Vec::new();
        let _ = numbered.map(&mut |number| numbers.push(*number));
        prop_assert_eq!(numbers, (0..seen.len()).collect::<Vec<_>>());
    }
}

#[test]
fn a_time_range_holds_its_start_and_not_its_end() {
    let filter: Filter<usize> = Filter::Time { start: Some(10), end: Some(20) };
    let at = |time| filter.eval_residual::<()>(&mut || Ok(time), &mut |_| Err(()));
    assert_eq!([9, 10, 19, 20].map(at), [Ok(false), Ok(true), Ok(true), Ok(false)]);
}
