//! The questions of one round: each once, in order.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::{Address, ResourceAddress};
use kfplan_plan::{Container, DryRun, Locator, RenderRequest};

use crate::input::Question;

/// What must be known before planning can go on.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    discover: BTreeSet<ResourceAddress>,
    observe: BTreeSet<Locator>,
    render: BTreeMap<ResourceAddress, Box<RenderRequest>>,
    dry_run: BTreeMap<Address, Box<DryRun>>,
    survey: BTreeSet<Container>,
}

impl Questions {
    /// Asks something, unless it was asked already.
    pub(crate) fn add(&mut self, question: Question) {
        match question {
            Question::Discover(cluster) => drop(self.discover.insert(cluster)),
            Question::Observe(locator) => drop(self.observe.insert(locator)),
            Question::Render(request) => drop(self.render.insert(request.resource.clone(), request)),
            Question::DryRun(address, question) => drop(self.dry_run.insert(address, question)),
            Question::Survey(container) => drop(self.survey.insert(container)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.discover.is_empty()
            && self.observe.is_empty()
            && self.render.is_empty()
            && self.dry_run.is_empty()
            && self.survey.is_empty()
    }

    /// All of them, in order.
    pub(crate) fn take(&mut self) -> Vec<Question> {
        let Self { discover, observe, render, dry_run, survey } = std::mem::take(self);
        let mut all: Vec<Question> = discover.into_iter().map(Question::Discover).collect();
        all.extend(observe.into_iter().map(Question::Observe));
        all.extend(render.into_values().map(Question::Render));
        all.extend(dry_run.into_iter().map(|(address, question)| Question::DryRun(address, question)));
        all.extend(survey.into_iter().map(Question::Survey));
        all
    }
}
