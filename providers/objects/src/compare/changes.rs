//! Changes, conflicts and yields: what an apply would do, leaf by leaf.

use std::collections::BTreeSet;

use kfplan_model::{Conflict, ConflictPolicy, Path, Segment, Target};
use kfplan_plan::{Comparison, Conflicting, FieldChange, Note, Severity, Shown, Witness};
use serde_json::Value as Json;

use super::Question;
use super::drift::{Found, Sent, common, is_bookkeeping, is_filled, list_order, noise_rule};
use super::sight::{Sight, late};
use crate::fields::{FieldSet, Manager};
use crate::identity::{at, group_of, is_crd, kind_of, list, name_of, namespace_of, split_api_version, text};
use crate::marks;
use crate::structure::{Structure, lookup};
use crate::tables::immutable;
use crate::values::equivalent;

/// Managers that are people at a keyboard or tools that went away: when an object is adopted, what they wrote is taken
/// over with it. A controller's fields never are.
const CLIENTS: &[&str] = &[
    "kubectl",
    "kubectl-client-side-apply",
    "kubectl-create",
    "kubectl-edit",
    "kubectl-patch",
    "kubectl-replace",
    "kubectl-label",
    "kubectl-annotate",
    "before-first-apply",
    "kfctl",
    "helm",
    "kustomize",
    "Terraform",
];

struct Deciding<'q, 'a> {
    question: &'q Question<'a>,
    sight: &'q Sight<'a>,
    sent: Option<&'q Sent<'a>>,
    found: &'q [Found],
    kept: FieldSet,
    comparison: Comparison,
    taken_from: BTreeSet<String>,
    left_to: BTreeSet<(String, &'static str, &'static str)>,
}

pub(crate) fn decide<'a>(
    question: &Question<'a>,
    sight: &Sight<'a>,
    sent: Option<&Sent<'a>>,
    found: &[Found],
    written: FieldSet,
) -> Comparison {
    let comparison = Comparison { wants_dry_run: sent.is_none(), ..Comparison::default() };
    let mut deciding = Deciding {
        question,
        sight,
        sent,
        found,
        kept: FieldSet::default(),
        comparison,
        taken_from: BTreeSet::new(),
        left_to: BTreeSet::new(),
    };
    let body = &question.desired.body;
    for (path, wanted) in Structure::new(body, written).leaves(body) {
        deciding.leaf(path, wanted);
    }
    deciding.reorders();
    deciding.removals();
    deciding.version();
    deciding.stored_versions();
    deciding.finish()
}

impl Deciding<'_, '_> {
    fn leaf(&mut self, path: Path, wanted: &Json) {
        let alias = self.sight.alias(&path);
        let owns = self.sight.owns(&alias);
        let is_shared = self.sight.others_at(&alias).next().is_some();
        if self.is_ignored(&path) {
            // What we alone own has to be sent on: an apply removes what its manager no longer sends.
            if is_shared || !owns {
                self.comparison.yielded.push(path);
            } else {
                self.kept.insert(&alias);
            }
            return;
        }
        let policy = self.policy(&path);
        if is_shared && policy == Some(ConflictPolicy::Yield) {
            return self.yields(path, &alias, owns);
        }
        self.kept.insert(&alias);
        if self.is_settled(&path, &alias, wanted, owns) {
            let is_only_alike = self.sent.is_none() && self.sight.live_at(&path).as_deref() != Some(wanted);
            if is_only_alike && is_shared && policy == Some(ConflictPolicy::Take) {
                // The server tells what is sent from what it had made of it, and would see a conflict.
                self.contest(&path, &alias, policy);
            }
            return;
        }
        if let Some(rule) = noise_rule(self.sight, &alias) {
            let writer = self.sight.managed.witness(&alias, &self.sight.manager).map(|it| it.manager);
            self.left_to.insert((writer.unwrap_or_default(), rule.id, rule.reason));
            self.comparison.yielded.push(path);
            return;
        }
        let live = self.sight.live_at(&path);
        if is_shared && live.as_deref() != Some(wanted) {
            self.contest(&path, &alias, policy);
        }
        let new = match self.question.desired.holes.iter().find(|hole| hole.path == path) {
            Some(hole) => late(&hole.late),
            None => self.sight.shown(&path, Some(wanted), None),
        };
        let old = self.sight.shown(&path, live.as_deref(), None);
        self.change(path, old, new);
    }

    /// Whether there is nothing to do at a leaf.
    fn is_settled(&self, path: &Path, alias: &Path, wanted: &Json, owns: bool) -> bool {
        if self.question.desired.holes.iter().any(|hole| hole.path.starts_with(path)) {
            return false;
        }
        let live = self.sight.live_at(path);
        let Some(sent) = self.sent else {
            return equivalent(path, Some(wanted), live.as_deref());
        };
        if is_filled(self.sight, alias, Some(wanted)) && sent.sent(path) == Some(wanted) {
            return true;
        }
        let has_drifted = self
            .found
            .iter()
            .filter(|it| !it.is_order)
            .any(|it| alias.starts_with(&it.path) || it.path.starts_with(alias));
        let is_as_sent = sent.sent(path).is_some_and(|before| self.sight.matches(before, wanted));
        (is_as_sent && !has_drifted && (owns || !sent.owned.touches(alias)))
            || (owns && !has_drifted && live.as_deref() == Some(wanted))
    }

    /// The field is left to whoever else owns it. Said once, so that the record stops holding it.
    fn yields(&mut self, path: Path, alias: &Path, owns: bool) {
        let was_sent = self.sent.is_some_and(|sent| sent.sent(&path).is_some());
        if was_sent || owns {
            let live = self.sight.live_at(&path);
            let stays = self.sight.shown(&path, live.as_deref(), None);
            self.change(path.clone(), stays.clone(), stays);
        }
        self.kept.insert(alias);
        self.comparison.yielded.push(path);
    }

    fn contest(&mut self, path: &Path, alias: &Path, policy: Option<ConflictPolicy>) {
        let was_ours = self.sent.is_some_and(|sent| sent.sent(path).is_some() || sent.owned.touches(alias));
        let others: Vec<&Manager> = self.sight.others_at(alias).collect();
        let takes = match policy {
            Some(ConflictPolicy::Take) => true,
            Some(ConflictPolicy::Fail | ConflictPolicy::Yield) => false,
            None => was_ours || (self.is_adoption() && others.iter().all(|it| is_client(&it.name))),
        };
        if takes {
            self.taken_from.extend(others.iter().map(|it| it.name.clone()));
            self.comparison.force.push(path.clone());
            return;
        }
        self.comparison.conflicts.extend(others.iter().map(|it| Conflicting {
            path: path.clone(),
            witness: Witness { manager: it.name.clone(), operation: it.operation.clone(), time: it.time.clone() },
        }));
    }

    fn is_adoption(&self) -> bool {
        self.question.recorded.is_none() && !marks::is_ours(self.question.live, self.question.ownership)
    }

    /// What we own and no longer want.
    fn removals(&mut self) {
        let mut places = BTreeSet::new();
        for path in self.sight.ours().map(FieldSet::leaves).unwrap_or_default() {
            if is_bookkeeping(&path) || self.kept.touches(&path) || self.is_ignored(&path) {
                continue;
            }
            places.insert(topmost_unwanted(&path, &self.kept));
        }
        for path in places {
            let live = lookup(&path, self.sight.live);
            let old = self.sight.shown(&path, live, None);
            let is_shared = self.sight.others_at(&path).next().is_some();
            let new = if is_shared { old.clone() } else { Shown::Absent };
            self.change(path, old, new);
        }
    }

    /// Lists merged by keys whose items are wanted in another order than they stand in, by us or after somebody moved them.
    fn reorders(&mut self) {
        let mut lists = Vec::new();
        let (body, live) = (&self.question.desired.body, self.sight.live);
        self.kept.visit(&mut Path::root(), &mut |path, node| {
            let Some(sent) = self.sent.filter(|_| node.keys().is_some()) else { return };
            let (Some(wanted), Some(found)) = (order_at(body, path, node), order_at(live, path, node)) else { return };
            let was_moved = self.found.iter().any(|it| it.is_order && it.path == *path);
            let is_new = order_at(sent.body, path, node).is_some_and(|before| {
                let (before, now) = common(before, wanted.clone());
                before != now
            });
            let (found, wanted) = common(found, wanted);
            if (was_moved || is_new) && found != wanted {
                lists.push((path.clone(), Json::Array(found), Json::Array(wanted)));
            }
        });
        for (path, old, new) in
            lists.into_iter().filter(|(path, _, _)| !self.question.ignore.iter().any(|it| path.starts_with(it)))
        {
            self.change(path, Shown::Value(old), Shown::Value(new));
        }
    }

    /// Another version of the API: the paths of old and new cannot be compared, so the server is asked.
    fn version(&mut self) {
        let Some(sent) = self.sent else { return };
        let (before, now) = (text(sent.body, &["apiVersion"]), text(&self.question.desired.body, &["apiVersion"]));
        if before != now {
            self.comparison.wants_dry_run = true;
            self.change(Path::keys(["apiVersion"]), Shown::Value(before.into()), Shown::Value(now.into()));
        }
    }

    fn change(&mut self, path: Path, old: Shown, new: Shown) {
        let (group, kind) = (group_of(self.sight.live), kind_of(self.sight.live));
        let is_real = old != Shown::Absent && old != new && marks::patch_name(&self.question.desired.body).is_none();
        let replaces = is_real
            .then(|| immutable::reason(group, kind, &path).or_else(|| sealed_reason(self.sight.live, &path)))
            .flatten();
        if let Some(why) = replaces
            && !self.comparison.replace.iter().any(|it| it == why)
        {
            self.comparison.replace.push(why.to_owned());
        }
        self.comparison.changes.push(FieldChange { path, old, new, replaces: replaces.map(ToOwned::to_owned) });
    }

    fn is_ignored(&self, path: &Path) -> bool {
        self.question.ignore.iter().any(|ignored| path.starts_with(ignored))
    }

    /// The policy of the last rule that is for this path.
    fn policy(&self, path: &Path) -> Option<ConflictPolicy> {
        let body = &self.question.desired.body;
        let rules = self.question.conflicts.iter().rev();
        rules.filter(|rule| is_for(rule, body, path)).map(|rule| rule.policy).next()
    }

    /// A CRD must go on naming every version that objects are stored in.
    fn stored_versions(&mut self) {
        let body = &self.question.desired.body;
        if !is_crd(body) || self.comparison.changes.is_empty() {
            return;
        }
        let named = list(body, &["spec", "versions"]);
        let single = text(body, &["spec", "version"]);
        for version in list(self.sight.live, &["status", "storedVersions"]).iter().filter_map(Json::as_str) {
            if version != single && !named.iter().any(|it| text(it, &["name"]) == version) {
                self.comparison.notes.push(Note {
                    severity: Severity::Blocks,
                    code: "objects::stored_version".to_owned(),
                    address: self.question.recorded.map(|it| it.record.address.clone()),
                    message: format!("`{}` drops version `{version}`, in which objects are stored", name_of(body)),
                    help: Some(
                        "keep the version, or rewrite the objects and take it out of `status.storedVersions` first"
                            .to_owned(),
                    ),
                });
            }
        }
    }

    fn finish(mut self) -> Comparison {
        let says_something = !self.comparison.changes.is_empty() || !self.comparison.conflicts.is_empty();
        if says_something {
            let note = |code: &str, message: String| Note {
                severity: Severity::Info,
                code: code.to_owned(),
                address: None,
                message,
                help: None,
            };
            for (writer, id, reason) in &self.left_to {
                let message = format!("a field is left to `{writer}`: {reason} (rule `{id}`)");
                self.comparison.notes.push(note("objects::noise", message));
            }
            for manager in &self.taken_from {
                let message = format!("fields that were applied before are taken back from `{manager}`");
                self.comparison.notes.push(note("objects::taken_back", message));
            }
        }
        self.comparison.changes.sort_by(|a, b| a.path.cmp(&b.path));
        self.comparison
    }
}

fn order_at(body: &Json, path: &Path, node: &FieldSet) -> Option<Vec<Json>> {
    list_order(lookup(path, body)?, node)
}

fn is_client(manager: &str) -> bool {
    CLIENTS.iter().any(|client| manager.eq_ignore_ascii_case(client))
}

/// An immutable ConfigMap or Secret is replaced whenever its content changes.
fn sealed_reason(live: &Json, path: &Path) -> Option<&'static str> {
    let is_content = matches!(path.segments().first(), Some(Segment::Key(key)) if matches!(&**key, "data" | "binaryData" | "immutable"));
    let is_sealed =
        matches!(kind_of(live), "ConfigMap" | "Secret") && at(live, &["immutable"]) == Some(&Json::Bool(true));
    (is_sealed && is_content && group_of(live).is_empty()).then_some("it says `immutable: true`")
}

fn topmost_unwanted(path: &Path, kept: &FieldSet) -> Path {
    let mut place = path.clone();
    loop {
        let mut outer = place.clone();
        outer.pop();
        if outer.segments().len() < 2 || kept.at(&outer).is_some() {
            return place;
        }
        place = outer;
    }
}

/// Whether a rule is for this object and path.
fn is_for(rule: &Conflict, body: &Json, path: &Path) -> bool {
    path.starts_with(&rule.path) && is_target(&rule.target, body)
}

/// Whether a target selects an object.
#[must_use]
pub(crate) fn is_target(target: &Target, body: &Json) -> bool {
    let (group, version) = split_api_version(text(body, &["apiVersion"]));
    let fits = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    let labels = at(body, &["metadata", "labels"]);
    fits(&target.group, group)
        && fits(&target.version, version)
        && fits(&target.kind, kind_of(body))
        && fits(&target.namespace, namespace_of(body).unwrap_or_default())
        && fits(&target.name, name_of(body))
        && target.labels.iter().all(|(key, value)| {
            labels.and_then(|labels| labels.get(key)).and_then(Json::as_str) == Some(value.as_str())
        })
}
