//! Conditions on events beyond their pattern. Parts that a topic decides are evaluated once per topic.

/// Properties shared by all events of one class and topic.
#[derive(Debug, Clone, Copy)]
pub struct TopicInfo<'a> {
    /// The event type.
    pub event_type: &'a str,
    /// The identities of the event's class and of all its bases.
    pub lineage: &'a [usize],
    /// The exchange.
    pub exchange: Option<&'a str>,
    /// The symbol.
    pub symbol: Option<&'a str>,
}

/// A condition. `C` is evaluated by the caller alone: a callable, or a class to be kept alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter<C> {
    /// Always or never.
    Constant(bool),
    /// The event type is one of these.
    EventType(Box<[Box<str>]>),
    /// The event is of this class, known by its identity.
    Class(usize, C),
    /// The exchange is one of these.
    Exchange(Box<[Box<str>]>),
    /// The symbol is one of these.
    Symbol(Box<[Box<str>]>),
    /// `start <= timestamp < end`, in microseconds since 1970; `None` is open.
    Time {
        /// The first moment inside.
        start: Option<i64>,
        /// The first moment outside.
        end: Option<i64>,
    },
    /// The callable's answer.
    Custom(C),
    /// Every part.
    All(Vec<Filter<C>>),
    /// At least one part.
    Any(Vec<Filter<C>>),
    /// Not this part.
    Not(Box<Filter<C>>),
}

impl<C> Filter<C> {
    /// The same condition with its callables replaced, in order.
    pub fn map<D>(&self, replace: &mut impl FnMut(&C) -> D) -> Filter<D> {
        match self {
            Self::Constant(value) => Filter::Constant(*value),
            Self::EventType(names) => Filter::EventType(names.clone()),
            Self::Class(class, kept) => Filter::Class(*class, replace(kept)),
            Self::Exchange(names) => Filter::Exchange(names.clone()),
            Self::Symbol(names) => Filter::Symbol(names.clone()),
            Self::Time { start, end } => Filter::Time { start: *start, end: *end },
            Self::Custom(callable) => Filter::Custom(replace(callable)),
            Self::All(parts) => Filter::All(parts.iter().map(|part| part.map(replace)).collect()),
            Self::Any(parts) => Filter::Any(parts.iter().map(|part| part.map(replace)).collect()),
            Self::Not(part) => Filter::Not(Box::new(part.map(replace))),
        }
    }

    /// Evaluates a residual of [`Filter::partial_eval`]: `time` gives the event's timestamp, `call` a callable's
    /// answer.
    ///
    /// # Errors
    /// The first error of either.
    pub fn eval_residual<X>(
        &self,
        time: &mut impl FnMut() -> Result<i64, X>,
        call: &mut impl FnMut(&C) -> Result<bool, X>,
    ) -> Result<bool, X> {
        match self {
            Self::Constant(value) => Ok(*value),
            Self::Time { start, end } => {
                let now = time()?;
                Ok(start.is_none_or(|start| start <= now) && end.is_none_or(|end| now < end))
            }
            Self::Custom(callable) => call(callable),
            Self::Not(part) => part.eval_residual(time, call).map(|passed| !passed),
            Self::All(parts) => {
                for part in parts {
                    if !part.eval_residual(time, call)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(parts) => {
                for part in parts {
                    if part.eval_residual(time, call)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::EventType(_) | Self::Class(..) | Self::Exchange(_) | Self::Symbol(_) => Ok(false),
        }
    }
}

impl<C> Filter<C> {
    /// The residual's answer for all events with timestamps from `first` to `last`, or `None` if it depends on the
    /// event.
    #[must_use]
    pub fn decide(&self, first: i64, last: i64) -> Option<bool> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Time { start, end } => {
                let (after, before) = (start.is_none_or(|start| start <= first), end.is_none_or(|end| last < end));
                let never = start.is_some_and(|start| last < start) || end.is_some_and(|end| end <= first);
                if never { Some(false) } else { (after && before).then_some(true) }
            }
            Self::Not(part) => part.decide(first, last).map(|passed| !passed),
            Self::All(parts) => Self::decide_parts(parts, (first, last), true),
            Self::Any(parts) => Self::decide_parts(parts, (first, last), false),
            Self::EventType(_) | Self::Class(..) | Self::Exchange(_) | Self::Symbol(_) | Self::Custom(_) => None,
        }
    }

    /// `neutral` is the answer of an empty combination.
    fn decide_parts(parts: &[Self], (first, last): (i64, i64), neutral: bool) -> Option<bool> {
        let mut decided = Some(neutral);
        for part in parts {
            match part.decide(first, last) {
                Some(value) if value == neutral => {}
                Some(value) => return Some(value),
                None => decided = None,
            }
        }
        decided
    }

    /// The names outside of which nothing passes, from the lists that `pick` finds in parts; `None` if any name may
    /// pass.
    pub fn name_bounds<'a>(&'a self, pick: &impl Fn(&'a Self) -> Option<&'a [Box<str>]>) -> Option<Vec<&'a str>> {
        match self {
            Self::All(parts) => {
                let mut bounds = parts.iter().filter_map(|part| part.name_bounds(pick));
                let first = bounds.next()?;
                Some(bounds.fold(first, |kept, more| kept.into_iter().filter(|name| more.contains(name)).collect()))
            }
            Self::Any(parts) => {
                let bounds = parts.iter().map(|part| part.name_bounds(pick)).collect::<Option<Vec<_>>>()?;
                Some(bounds.concat())
            }
            part => pick(part).map(|names| names.iter().map(|name| &**name).collect()),
        }
    }

    /// The narrowest range of time outside of which nothing passes: its first moment, and the first one after it.
    #[must_use]
    pub fn time_bounds(&self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Time { start, end } => (*start, *end),
            Self::All(parts) => parts
                .iter()
                .map(Self::time_bounds)
                .fold((None, None), |found, part| (found.0.max(part.0), found.1.into_iter().chain(part.1).min())),
            Self::Any(parts) => parts
                .iter()
                .map(Self::time_bounds)
                .reduce(|found, part| {
                    (found.0.zip(part.0).map(|(a, b)| a.min(b)), found.1.zip(part.1).map(|(a, b)| a.max(b)))
                })
                .unwrap_or_default(),
            _ => (None, None),
        }
    }
}

impl<C: Clone> Filter<C> {
    /// Evaluates all that class and topic decide, and returns the residual.
    #[must_use]
    pub fn partial_eval(&self, info: &TopicInfo<'_>) -> Self {
        let one_of = |names: &[Box<str>], name: Option<&str>| {
            Self::Constant(name.is_some_and(|name| names.iter().any(|wanted| **wanted == *name)))
        };
        match self {
            Self::EventType(names) => one_of(names, Some(info.event_type)),
            Self::Class(class, _) => Self::Constant(info.lineage.contains(class)),
            Self::Exchange(names) => one_of(names, info.exchange),
            Self::Symbol(names) => one_of(names, info.symbol),
            Self::Not(part) => match part.partial_eval(info) {
                Self::Constant(value) => Self::Constant(!value),
                residual => Self::Not(Box::new(residual)),
            },
            Self::All(parts) => Self::partial_eval_parts(parts, info, true),
            Self::Any(parts) => Self::partial_eval_parts(parts, info, false),
            Self::Constant(_) | Self::Time { .. } | Self::Custom(_) => self.clone(),
        }
    }

    /// `neutral` is the answer of an empty combination; a part with that answer is left out.
    fn partial_eval_parts(parts: &[Self], info: &TopicInfo<'_>, neutral: bool) -> Self {
        let mut residual = Vec::new();
        for part in parts {
            match part.partial_eval(info) {
                Self::Constant(value) if value == neutral => {}
                Self::Constant(value) => return Self::Constant(value),
                left => residual.push(left),
            }
        }
        match residual.len() {
            0 => Self::Constant(neutral),
            1 => residual.remove(0),
            _ if neutral => Self::All(residual),
            _ => Self::Any(residual),
        }
    }
}
