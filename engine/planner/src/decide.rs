//! Decides what becomes of one thing that the stack wants, from what is known of it.

use kfplan_model::Path;
use kfplan_plan::{Action, Comparison, Desired, Drift, Live, Protection, RecordState, Recorded, Severity, Shown};
use serde_json::Value as Json;

use crate::drift::remade;
use crate::error::{PlanError, place};
use crate::input::Adoption;
use crate::inventory::{Fate, Inventory, Node, Phase, Seen};
use crate::pattern::any_names;

/// What was decided of one node.
struct Verdict {
    fate: Fate,
    reasons: Vec<String>,
    comparison: Comparison,
    offline: Option<String>,
    anything: bool,
    adopted: bool,
}

impl Verdict {
    fn of(fate: Fate) -> Self {
        Self {
            fate,
            reasons: Vec::new(),
            comparison: Comparison::default(),
            offline: None,
            anything: false,
            adopted: false,
        }
    }

    fn because(mut self, reason: impl Into<String>) -> Self {
        self.reasons.push(reason.into());
        self
    }
}

/// How a live thing relates to what state remembers.
enum Known<'a> {
    /// It is the recorded one, and the record can be believed.
    Recorded(&'a Recorded),
    /// It is ours, and there is no record to compare with: why.
    Ours(String),
    /// It is somebody else's.
    Foreign,
}

impl<'a> Inventory<'a> {
    /// Decides about every node of a resource that was expanded, if every answer for it is there.
    pub(crate) fn decide_owner(&mut self, owner: u32) {
        let mut open: Vec<u32> = self.owners[owner as usize].nodes.clone();
        open.retain(|&node| self.nodes[node as usize].draft.is_some());
        let mut pending = false;
        // A thing is decided after what contains it. Each round decides at least one, or all that is left at once.
        while !open.is_empty() {
            let ready: Vec<u32> = open.iter().copied().filter(|&node| !self.waits_for_container(node, &open)).collect();
            let now = if ready.is_empty() { std::mem::take(&mut open) } else { ready };
            open.retain(|node| now.binary_search(node).is_err());
            for node in now {
                pending |= !self.decide(node);
            }
        }
        if !pending {
            self.settle(owner);
        }
    }

    fn waits_for_container(&mut self, number: u32, open: &[u32]) -> bool {
        let node = &self.nodes[number as usize];
        let container = node.draft.as_ref().and_then(|draft| draft.container.as_ref());
        let container = container.and_then(|container| self.find(container)).filter(|&container| container != number);
        self.nodes[number as usize].container = container;
        container.is_some_and(|container| open.binary_search(&container).is_ok())
    }

    /// Decides about one wanted node; `false` while an answer is missing.
    fn decide(&mut self, number: u32) -> bool {
        let node = &self.nodes[number as usize];
        let is_pending = |seen: &Seen<'_>| matches!(seen, Seen::Pending);
        if is_pending(&node.seen) || node.seen_before.as_deref().is_some_and(is_pending) {
            return false;
        }
        if let Some(container) = node.container.map(|container| &self.nodes[container as usize])
            && container.draft.is_some()
            && container.fate == Fate::Pending
        {
            return false;
        }
        let verdict = if node.is_wanted() { self.wanted(number) } else { self.only_read(number) };
        let node = &mut self.nodes[number as usize];
        node.fate = verdict.fate;
        node.reasons = verdict.reasons;
        node.keep(verdict.comparison);
        node.offline = verdict.offline;
        node.anything = verdict.anything;
        node.adopted |= verdict.adopted;
        self.leave_out_yielded(number);
        let (protection, drift) = (self.standing_protection(number), self.drift_of(number));
        self.nodes[number as usize].protection = protection;
        self.drift.extend(drift);
        self.refresh_record(number);
        self.let_go(number);
        true
    }

    /// What Azure already has as wanted is told by what is there: its body is not needed any more.
    fn let_go(&mut self, number: u32) {
        let node = &mut self.nodes[number as usize];
        if node.fate == Fate::Same
            && node.object().is_none()
            && let Some(desired) = node.draft.as_mut().and_then(|draft| draft.desired.as_mut())
        {
            *desired = Desired::default();
        }
    }

    /// What is left to another manager is not sent.
    fn leave_out_yielded(&mut self, number: u32) {
        let node = &mut self.nodes[number as usize];
        let yielded = node.comparison().yielded.clone();
        if let Some(desired) = node.draft.as_mut().and_then(|draft| draft.desired.as_mut()) {
            for path in &yielded {
                path.remove(&mut desired.body);
                desired.holes.retain(|hole| !hole.path.starts_with(path));
            }
        }
    }

    /// What is only read: it must be there, and is not kfplan's.
    fn only_read(&mut self, number: u32) -> Verdict {
        let node = &self.nodes[number as usize];
        let recorded = node.recorded.is_some();
        match &node.seen {
            Seen::Absent | Seen::NotServed => {
                let (address, place) = (node.address.clone(), place(node.locator()));
                self.errors.push(PlanError::Missing { address, place });
                Verdict::of(Fate::Undecided)
            }
            Seen::Unknown(why) => self.undecided(number, why.clone()),
            Seen::LeftOut(why) => self.left_out(number, why.clone()),
            Seen::Live(_) | Seen::ToCome(_) | Seen::Pending if recorded => {
                Verdict::of(Fate::Change(Action::Forget)).because("the stack only reads it now")
            }
            Seen::Live(_) | Seen::ToCome(_) | Seen::Pending => Verdict::of(Fate::Read),
        }
    }

    fn undecided(&mut self, number: u32, why: String) -> Verdict {
        let help = "make it possible to look at it, or leave it out with `--exclude`";
        self.say(
            Severity::Blocks,
            "plan::not_observed",
            number,
            format!("it could not be looked at: {why}"),
            Some(help),
        );
        Verdict::of(Fate::Undecided)
    }

    fn left_out(&mut self, number: u32, why: String) -> Verdict {
        self.say(Severity::Warning, "plan::left_out", number, format!("not observed, and left out: {why}"), None);
        Verdict::of(Fate::Undecided)
    }

    fn wanted(&mut self, number: u32) -> Verdict {
        if let Some(why) = self.comes_anew(number) {
            let action = if self.nodes[number as usize].is_part { Action::Update } else { Action::Create };
            // A new cluster or namespace comes with objects of its own; anything else must not be there.
            let anything = self.nodes[number as usize].object().is_some();
            return Verdict { offline: Some(why), anything, ..Verdict::of(Fate::Change(action)) };
        }
        let node = &self.nodes[number as usize];
        match &node.seen {
            Seen::Unknown(why) => self.undecided(number, why.clone()),
            Seen::LeftOut(why) => self.left_out(number, why.clone()),
            Seen::Absent | Seen::NotServed | Seen::ToCome(_) | Seen::Pending => self.absent(number),
            Seen::Live(live) => {
                let live = live.clone();
                self.found(number, &live)
            }
        }
    }

    /// Why nothing that is there now will be there: what it is in is made by this plan.
    fn comes_anew(&self, number: u32) -> Option<String> {
        let node = &self.nodes[number as usize];
        if let Seen::ToCome(why) = &node.seen {
            return Some(why.clone());
        }
        let mut at = node.container;
        // A chain of containers is short; the bound only guards against a ring.
        for _ in 0..16 {
            let container = &self.nodes[at? as usize];
            if container.fate == Fate::Change(Action::Replace)
                || (container.fate == Fate::Change(Action::Create) && !matches!(node.seen, Seen::Live(_)))
            {
                return Some(format!("`{}` comes with this plan", container.address));
            }
            at = container.container;
        }
        None
    }

    fn absent(&mut self, number: u32) -> Verdict {
        if self.nodes[number as usize].is_part {
            let message = "what it alters is not there".to_owned();
            let help = "it is made by somebody else: wait for it, or say which resource makes it with `depends_on`";
            self.say(Severity::Blocks, "plan::nothing_to_alter", number, message, Some(help));
            return Verdict::of(Fate::Undecided);
        }
        if let Some(verdict) = self.elsewhere(number) {
            return verdict;
        }
        let verdict = Verdict::of(Fate::Change(Action::Create));
        match self.nodes[number as usize].recorded.map(|recorded| &recorded.record.state) {
            Some(RecordState::InDoubt(_)) => verdict.because("an interrupted run left it open, and it is not there"),
            Some(RecordState::Settled) => verdict.because("it is gone since the last apply"),
            None => verdict,
        }
    }

    /// Whether it is recorded at another place, where it still is: then it is replaced.
    fn elsewhere(&mut self, number: u32) -> Option<Verdict> {
        let node = &self.nodes[number as usize];
        let before = node.other_place()?.clone();
        let is_recorded = node.recorded.is_some_and(|recorded| recorded.record.locator == before);
        match node.seen_before.as_deref()? {
            // Where a replacement was cut short, only what carries our marks is what it left behind.
            Seen::Live(old) if !is_recorded && !self.input.kinds.rules(&before).is_ours(old, self.input.ownership) => {
                None
            }
            Seen::Live(_) => {
                let reason = format!("it moves from {}", place(&before));
                if let Seen::Live(live) = &node.seen
                    && !self.input.kinds.rules(node.locator()).is_ours(live, self.input.ownership)
                {
                    let message = "it would be replaced by one at a place where somebody else's is".to_owned();
                    let help = "give the new one another name";
                    self.say(Severity::Blocks, "plan::not_ours", number, message, Some(help));
                }
                Some(Verdict::of(Fate::Change(Action::Replace)).because(reason))
            }
            Seen::Unknown(why) | Seen::LeftOut(why) => Some(self.undecided(number, why.clone())),
            Seen::Absent | Seen::NotServed | Seen::ToCome(_) | Seen::Pending => None,
        }
    }

    fn found(&mut self, number: u32, live: &Live) -> Verdict {
        if let Some(verdict) = self.elsewhere(number) {
            return verdict;
        }
        let node = &self.nodes[number as usize];
        let rules = self.input.kinds.rules(node.locator());
        let known = self.known(number, live);
        if rules.is_going(live) && !node.is_part {
            return Verdict::of(Fate::Change(Action::Replace))
                .because("it is being deleted; it is made again once it is gone");
        }
        let recorded = match known {
            Known::Recorded(recorded) => Some(recorded),
            Known::Ours(_) | Known::Foreign => None,
        };
        let mut comparison = self.compare(number, recorded, live);
        self.report(number, &comparison);
        let replace = self.replacement(number, &known, &mut comparison);
        if !replace.is_empty() {
            return Verdict { reasons: replace, comparison, ..Verdict::of(Fate::Change(Action::Replace)) };
        }
        let differs = comparison.wants_dry_run || !comparison.changes.is_empty() || !comparison.remove.is_empty();
        match known {
            Known::Recorded(_) if !differs => Verdict { comparison, ..Verdict::of(Fate::Same) },
            Known::Recorded(_) => Verdict { comparison, ..Verdict::of(Fate::Change(Action::Update)) },
            // Written again even where nothing differs: only an answer to a write tells what a record has to say, and
            // what is still being made is waited for.
            Known::Ours(why) => Verdict { comparison, ..Verdict::of(Fate::Change(Action::Update)) }.because(why),
            Known::Foreign => self.adoption(number, live, comparison),
        }
    }

    /// Whose the live thing is.
    fn known(&self, number: u32, live: &Live) -> Known<'a> {
        let node = &self.nodes[number as usize];
        let is_ours = self.input.kinds.rules(node.locator()).is_ours(live, self.input.ownership);
        let Some(recorded) = node.recorded.filter(|recorded| !self.is_of_another_cluster(node, recorded)) else {
            if is_ours || node.is_part {
                return Known::Ours("it carries this stack's marks, and state does not know it".to_owned());
            }
            return Known::Foreign;
        };
        let record = &recorded.record;
        let is_same = record.uid.is_none() || record.uid == live.uid;
        match &record.state {
            RecordState::Settled if is_same => Known::Recorded(recorded),
            RecordState::InDoubt(intent)
                if is_ours
                    || self.is_as_sent(node, recorded, live)
                    || node.is_part
                    || (is_same && record.uid.is_some()) =>
            {
                Known::Ours(format!("an interrupted run left it open while it was asked to {}", verb(intent.action)))
            }
            RecordState::Settled if is_ours => Known::Ours("somebody made it again since the last apply".to_owned()),
            RecordState::Settled | RecordState::InDoubt(_) => Known::Foreign,
        }
    }

    /// Whether what is there is what was about to be sent, for what cannot carry our marks.
    pub(crate) fn is_as_sent(&self, node: &Node<'_>, recorded: &Recorded, live: &Live) -> bool {
        let rules = self.input.kinds.rules(node.locator());
        let is_marked = |body: &Json| {
            let sent = Live { body: body.clone(), uid: None, version: None };
            rules.is_ours(&sent, self.input.ownership)
        };
        let is_same = || rules.drift(recorded, live, self.input.ownership, self.input.key).is_empty();
        recorded.sent.as_ref().is_some_and(|sent| !is_marked(sent.body())) && is_same()
    }

    /// Whether a record is about an object of a cluster that is no more.
    pub(crate) fn is_of_another_cluster(&self, node: &Node<'_>, recorded: &Recorded) -> bool {
        let identity = node.object().and_then(|object| self.identity_of(&object.cluster));
        matches!((identity, &recorded.record.cluster), (Some(now), Some(then)) if now != then)
    }

    fn compare(&self, number: u32, recorded: Option<&Recorded>, live: &Live) -> Comparison {
        let node = &self.nodes[number as usize];
        let Some(desired) = node.draft.as_ref().and_then(|draft| draft.desired.as_ref()) else {
            return Comparison::default();
        };
        let stated = self.owners[node.resource as usize].stated;
        self.input.kinds.rules(node.locator()).compare(
            desired,
            recorded,
            live,
            self.input.ownership,
            stated.map_or(&[], |stated| &stated.lifecycle.ignore_changes),
            stated.map_or(&[], |stated| &stated.conflicts),
            self.input.key,
        )
    }

    /// Says what comparing has to say, above all about fields that somebody else owns.
    fn report(&mut self, number: u32, comparison: &Comparison) {
        self.notes.extend(comparison.notes.iter().cloned());
        let settled = |path: &Path| {
            comparison
                .force
                .iter()
                .chain(&comparison.yielded)
                .any(|settled| path.starts_with(settled) || settled.starts_with(path))
        };
        for conflict in comparison.conflicts.iter().filter(|conflict| !settled(&conflict.path)) {
            let message = format!("`{}` belongs to `{}`", conflict.path, conflict.witness.manager);
            let help = "add a `conflict` table to the resource with this path and `policy = \"take\"` or `\"yield\"`";
            self.say(Severity::Blocks, "plan::conflict", number, message, Some(help));
        }
    }

    /// Why it is replaced, if it is.
    fn replacement(&self, number: u32, known: &Known<'_>, comparison: &mut Comparison) -> Vec<String> {
        let node = &self.nodes[number as usize];
        if node.is_part || matches!(known, Known::Foreign) {
            return Vec::new();
        }
        let mut reasons = std::mem::take(&mut comparison.replace);
        if any_names(self.input.options.replace.iter(), &node.address) {
            reasons.push("`--replace` asks for it".to_owned());
        }
        let stated = self.owners[node.resource as usize].stated;
        for trigger in stated.iter().flat_map(|stated| &stated.lifecycle.replace_triggered_by) {
            if self.is_replaced(trigger) {
                reasons.push(format!("`{trigger}` is replaced"));
            }
        }
        if let Some(RecordState::InDoubt(intent)) = node.recorded.map(|recorded| &recorded.record.state)
            && intent.action == Action::Replace
            && node.recorded.is_some_and(|recorded| {
                recorded.record.uid.is_some() && recorded.record.uid == node.live().and_then(|live| live.uid.clone())
            })
        {
            reasons.push("an interrupted run was about to replace it".to_owned());
        }
        reasons
    }

    fn is_replaced(&self, resource: &kfplan_model::ResourceAddress) -> bool {
        let owner = self.owner_of(resource).map(|owner| &self.owners[owner as usize]);
        owner.is_some_and(|owner| {
            let mut nodes = owner.nodes.iter().map(|&node| &self.nodes[node as usize]);
            nodes.any(|node| node.fate == Fate::Change(Action::Replace))
        })
    }

    /// What somebody else made becomes ours, if that is allowed.
    fn adoption(&mut self, number: u32, live: &Live, comparison: Comparison) -> Verdict {
        let address = self.nodes[number as usize].address.clone();
        let is_covered = match &self.input.options.adopt {
            Adoption::All => true,
            Adoption::Only(names) => any_names(names.iter(), &address),
        };
        let managers = managers(&live.body);
        let by = if managers.is_empty() { "somebody else".to_owned() } else { managers.join(", ") };
        if !is_covered {
            let message = format!("it exists and is not of this stack; managed by {by}");
            let help = format!("take it over with `--adopt {address}`, or give what the stack makes another name");
            self.say(Severity::Blocks, "plan::not_ours", number, message, Some(&help));
        }
        Verdict { comparison, adopted: true, ..Verdict::of(Fate::Change(Action::Adopt)) }
            .because(format!("it is managed by {by}"))
    }

    /// Brings a record up to date that says something else than the plan.
    fn refresh_record(&mut self, number: u32) {
        let node = &mut self.nodes[number as usize];
        let (Fate::Same, Some(recorded)) = (node.fate, node.recorded) else {
            return;
        };
        if let Some(from) = node.moved_from {
            node.fate = Fate::Change(Action::Refresh);
            node.reasons.push(format!("its record moves from `{from}`"));
        } else if recorded.record.protection != node.protection {
            node.fate = Fate::Change(Action::Refresh);
            node.reasons.push(format!("its protection changes to {}", protection_name(node.protection)));
        }
    }

    /// What state will say about who may delete it.
    fn standing_protection(&self, number: u32) -> Protection {
        let node = &self.nodes[number as usize];
        let Some(draft) = &node.draft else {
            return node.recorded.map_or(Protection::None, |recorded| recorded.record.protection);
        };
        let stated = self.owners[node.resource as usize].stated;
        match stated.and_then(|stated| stated.lifecycle.prevent_destroy) {
            Some(true) => Protection::Explicit,
            Some(false) => Protection::None,
            None => {
                let body = draft.desired.as_ref().map_or(&Json::Null, |desired: &Desired| &desired.body);
                let rules = self.input.kinds.rules(&draft.locator);
                draft.protection.max(rules.protection(body, &draft.locator, node.adopted).0)
            }
        }
    }

    /// What changed behind our back.
    fn drift_of(&mut self, number: u32) -> Vec<Drift> {
        let node = &mut self.nodes[number as usize];
        let mut drift = match node.comparison().drift.is_empty() {
            true => Vec::new(),
            false => std::mem::take(&mut node.comparison_mut().drift),
        };
        let is_settled = node.recorded.is_some_and(|recorded| recorded.record.state == RecordState::Settled);
        let is_gone = match &node.seen {
            Seen::Absent | Seen::NotServed => node.seen_before.is_none(),
            _ => false,
        };
        if is_settled && is_gone {
            drift.push(gone(node));
        }
        if let (Some(recorded), Some(live)) = (node.recorded, node.live())
            && drift.is_empty()
            && remade(node, &[]).is_some()
        {
            let found =
                self.input.kinds.rules(node.locator()).drift(recorded, live, self.input.ownership, self.input.key);
            drift.extend(remade(node, &found));
        }
        drift.iter_mut().for_each(|drift| drift.address.clone_from(&node.address));
        drift
    }

    /// Whether every wanted node was decided.
    pub(crate) fn is_decided(&self) -> bool {
        self.owners.iter().all(|owner| owner.stated.is_none() || owner.phase == Phase::Settled)
    }
}

/// The whole thing is gone.
pub(crate) fn gone(node: &Node<'_>) -> Drift {
    Drift { address: node.address.clone(), path: Path::root(), old: Shown::Unknown, new: Shown::Absent, witness: None }
}

/// The field managers that a live object names, in order.
fn managers(body: &Json) -> Vec<String> {
    let entries = body.pointer("/metadata/managedFields").and_then(Json::as_array);
    let names = entries.into_iter().flatten().filter_map(|entry| entry.get("manager").and_then(Json::as_str));
    let mut managers: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    managers.sort();
    managers.dedup();
    managers
}

/// The verb for an action that a run was interrupted in.
pub(crate) const fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create it",
        Action::Adopt => "adopt it",
        Action::Update => "update it",
        Action::Replace => "replace it",
        Action::Delete => "delete it",
        Action::Forget => "forget it",
        Action::Refresh => "refresh its record",
    }
}

fn protection_name(protection: Protection) -> &'static str {
    match protection {
        Protection::None => "none",
        Protection::Container => "that of a container",
        Protection::UserData => "that of user data",
        Protection::Adopted => "that of what was there before",
        Protection::Explicit => "`prevent_destroy`",
    }
}
