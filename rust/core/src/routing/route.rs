//! Routes: the registry's answers.

use std::sync::Arc;

use smallvec::SmallVec;

use super::id::SubscriptionId;
use crate::filter::Filter;
use crate::topic::Topic;

/// A subscription that hears the events of one class and topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The subscription.
    pub id: SubscriptionId,
    /// Residual filter.
    pub residual: Option<Filter<usize>>,
}

/// The subscriptions that hear the events of one class and topic.
#[derive(Debug)]
pub struct Route {
    /// The topic's text.
    pub topic: Arc<str>,
    ids: SmallVec<[SubscriptionId; 2]>,
    /// Residual filters by subscription, if there are any.
    residuals: Option<Box<[Option<Filter<usize>>]>>,
}

impl Route {
    pub(crate) fn new(topic: &Topic<'_>, targets: Vec<Target>) -> Self {
        let asks = targets.iter().any(|target| target.residual.is_some());
        let (ids, residuals): (Vec<_>, Vec<_>) = targets.into_iter().map(|target| (target.id, target.residual)).unzip();
        Self { topic: topic.text().into(), ids: ids.into(), residuals: asks.then(|| residuals.into()) }
    }

    /// The route of all events of a class; it has no topic.
    pub(crate) fn of_class(ids: Vec<SubscriptionId>) -> Self {
        Self { topic: "".into(), ids: ids.into(), residuals: None }
    }

    /// The subscriptions, in the order of their slots, if none has a residual filter.
    #[must_use]
    pub fn unconditional(&self) -> Option<&[SubscriptionId]> {
        if self.residuals.is_none() { Some(&self.ids) } else { None }
    }

    /// The subscriptions, in the order of their slots, with their residual filters.
    pub fn targets(&self) -> impl Iterator<Item = (SubscriptionId, Option<&Filter<usize>>)> {
        let residual = |place: usize| self.residuals.as_ref().and_then(|residuals| residuals[place].as_ref());
        self.ids.iter().enumerate().map(move |(place, id)| (*id, residual(place)))
    }
}
