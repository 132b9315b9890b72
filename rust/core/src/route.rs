//! Where events go: the registry's answers.

use std::sync::Arc;

use crate::filter::Filter;
use crate::registry::SubscriptionId;
use crate::topic::Topic;

/// A subscription that events of one class and topic go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The subscription.
    pub id: SubscriptionId,
    /// What each event still has to pass.
    pub rest: Option<Filter<usize>>,
}

/// Where the events of one class and topic go.
#[derive(Debug)]
pub struct Route {
    /// The topic's text.
    pub topic: Arc<str>,
    /// The subscriptions, in the order of their places.
    pub targets: Box<[Target]>,
    /// Their ids alone, if none of them looks at single events.
    pub unconditional: Option<Box<[SubscriptionId]>>,
}

impl Route {
    pub(crate) fn new(topic: &Topic<'_>, targets: Vec<Target>) -> Self {
        let free = targets.iter().all(|target| target.rest.is_none());
        let unconditional = free.then(|| targets.iter().map(|target| target.id).collect());
        Self { topic: topic.text().into(), targets: targets.into(), unconditional }
    }
}
