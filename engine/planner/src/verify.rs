//! Asks the server, by dry runs, what it would make of what changes; says why
//! where it cannot be asked.

use kfplan_plan::{Action, DryRun, DryRunAnswer, Severity};
use serde_json::Value as Json;

use crate::going::Definitions;
use crate::input::Question;
use crate::inventory::{Fate, Inventory, Seen};

impl<'a> Inventory<'a> {
    /// The body of a node: what is desired, or what is there, or what was sent last.
    pub(crate) fn body(&self, number: u32) -> &Json {
        let node = &self.nodes[number as usize];
        let desired = node.draft.as_ref().and_then(|draft| draft.desired.as_ref()).map(|desired| &desired.body);
        let desired = desired.filter(|body| !body.is_null());
        let live = || node.live().map(|live| &live.body);
        let sent = || node.recorded.and_then(|recorded| recorded.sent.as_ref()).map(|sent| sent.body());
        desired.or_else(live).or_else(sent).unwrap_or(&Json::Null)
    }

    /// Dry-runs what changes; `false` while an answer is missing.
    pub(crate) fn verify(&mut self, definitions: &Definitions) -> bool {
        let mut complete = true;
        for number in 0..self.nodes.len() as u32 {
            let node = &self.nodes[number as usize];
            let (true, Fate::Change(action)) = (node.is_wanted() && node.object().is_some(), node.fate) else {
                continue;
            };
            if !matches!(action, Action::Create | Action::Update | Action::Adopt | Action::Replace) {
                continue;
            }
            if let Some(why) = self.cannot_ask(number, action, definitions) {
                self.nodes[number as usize].offline = Some(why);
                continue;
            }
            let answers = self.input.answers;
            match answers.dry_runs.get(&self.nodes[number as usize].address) {
                Some(answer) => self.hear(number, answer),
                None => {
                    complete = false;
                    self.ask_dry_run(number);
                }
            }
        }
        complete
    }

    /// Why the server cannot be asked about a node.
    fn cannot_ask(&self, number: u32, action: Action, definitions: &Definitions) -> Option<String> {
        let node = &self.nodes[number as usize];
        if let Some(why) = &node.offline {
            return Some(why.clone());
        }
        if action == Action::Replace {
            return Some("it is replaced, and the server would take it for a change of the old one".to_owned());
        }
        let object = node.object()?;
        let namespace = self.namespace_of(object).map(|namespace| &self.nodes[namespace as usize]);
        if let Some(namespace) = namespace.filter(|namespace| namespace.fate.is_renewing()) {
            return Some(format!("its namespace `{}` comes with this plan", namespace.address));
        }
        let definition = self.definition_of(number, definitions).map(|definition| &self.nodes[definition as usize]);
        if let Some(definition) =
            definition.filter(|definition| matches!(definition.fate, Fate::Change(action) if action != Action::Refresh))
        {
            return Some(format!("its definition `{}` changes with this plan", definition.address));
        }
        if matches!(node.seen, Seen::NotServed) {
            return Some("its kind is not served".to_owned());
        }
        let desired = node.draft.as_ref()?.desired.as_ref()?;
        let hole = desired.holes.first()?;
        Some(format!("`{}` is known only after apply", hole.path))
    }

    fn ask_dry_run(&mut self, number: u32) {
        let node = &self.nodes[number as usize];
        let desired = node.draft.as_ref().and_then(|draft| draft.desired.clone());
        if let (Some(desired), Some(locator)) = (desired, node.object().cloned()) {
            let question = DryRun { locator, desired, force: node.comparison().force.clone() };
            let address = node.address.clone();
            self.ask(Question::DryRun(address, Box::new(question)));
        }
    }

    fn hear(&mut self, number: u32, answer: &DryRunAnswer) {
        match answer {
            DryRunAnswer::Accepted(_) => self.preview(number, answer),
            DryRunAnswer::NotPossible(why) => self.nodes[number as usize].offline = Some(why.clone()),
            DryRunAnswer::Refused(trouble) => {
                let message = format!("the server would refuse it: {}", trouble.message);
                self.say(Severity::Blocks, "plan::refused", number, message, Some(&trouble.help));
            }
            DryRunAnswer::Conflicts(conflicts) => {
                let known: Vec<_> =
                    self.nodes[number as usize].comparison().conflicts.iter().map(|known| known.path.clone()).collect();
                for (manager, path) in conflicts.iter().filter(|(_, path)| !known.contains(path)) {
                    let message = format!("`{path}` belongs to `{manager}`");
                    let help =
                        "add a `conflict` table to the resource with this path and `policy = \"take\"` or `\"yield\"`";
                    self.say(Severity::Blocks, "plan::conflict", number, message, Some(help));
                }
            }
        }
    }

    /// What the server would change decides where there is nothing to compare with.
    fn preview(&mut self, number: u32, answer: &DryRunAnswer) {
        let node = &self.nodes[number as usize];
        if !node.comparison().wants_dry_run {
            return;
        }
        let desired = node.draft.as_ref().and_then(|draft| draft.desired.as_ref());
        let (Some(live), Some(desired)) = (node.live(), desired) else {
            return;
        };
        let rules = self.input.kinds.rules(node.locator());
        let changes = rules.preview(live, answer, desired, self.input.key);
        let is_known =
            node.recorded.is_some_and(|recorded| recorded.record.uid == live.uid) && !self.is_in_doubt(number);
        let is_equal = changes.is_empty() && node.comparison().remove.is_empty();
        let node = &mut self.nodes[number as usize];
        node.comparison_mut().changes = changes;
        if is_equal && is_known && node.fate == Fate::Change(Action::Update) {
            node.fate = Fate::Same;
        }
    }
}
