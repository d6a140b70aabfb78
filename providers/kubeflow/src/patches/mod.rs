//! What Kubeflow needs to run on AKS, and what the user wants different.
//!
//! Each built-in patch is a [`Rule`] with a name, a reason, a condition, and the
//! versions it is for. [`decide`] says which of them are taken and why, from planned
//! facts alone; [`apply`] carries the decisions out. [`apply_own`] then makes the
//! user's own patches. A patch that hits nothing is an error: it was meant for
//! something.

mod containerd_executor;
mod dashboard;
mod document;
mod enforcer;
mod image_pins;
mod mpi_operator;
mod own;
mod pipeline_tls;

use kfplan_plan::{Note, Severity};
use serde_json::Value;

use crate::applications::Bundle;
use crate::error::{KubeflowError, KubeflowErrors, checked};
use crate::naming::metadata;

pub use dashboard::{GATEWAY as GATEWAY_SERVICE, SERVICE as DASHBOARD_SERVICE};
pub use own::{OwnPatch, apply_own};

/// A built-in patch.
pub struct Rule {
    /// Its name in `aks_patches`.
    pub name: &'static str,
    /// What goes wrong without it.
    pub reason: &'static str,
    /// When `auto` takes it.
    pub condition: &'static str,
    /// The versions of Kubeflow it is for.
    pub versions: &'static str,
    decide: fn(&Scene<'_>) -> Verdict,
    apply: fn(&Facts, &mut Bundle) -> Result<Vec<String>, String>,
}

/// All built-in patches, in the order in which they are made.
pub const RULES: [Rule; 6] = [
    dashboard::RULE,
    mpi_operator::RULE,
    enforcer::RULE,
    pipeline_tls::RULE,
    containerd_executor::RULE,
    image_pins::RULE,
];

/// How the dashboard is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Expose {
    /// By a port-forward only.
    #[default]
    None,
    /// By an address within the virtual network.
    Internal {
        /// Who may connect; empty for the whole network.
        source_ranges: Vec<String>,
    },
    /// By a public address.
    LoadBalancer {
        /// Who may connect.
        source_ranges: Vec<String>,
        /// Whether everybody may.
        public: bool,
    },
}

/// The facts that conditions read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Major and minor version of Kubernetes, when it is known.
    pub kubernetes_version: Option<(u32, u32)>,
    /// Whether the cluster is one of AKS, when that is known.
    pub is_aks: Option<bool>,
    /// What the stack wants.
    pub dashboard: Expose,
}

impl Facts {
    /// Reads `1.34`, `v1.34.2` or the like.
    #[must_use]
    pub fn version(text: &str) -> Option<(u32, u32)> {
        let mut parts = text.trim_start_matches('v').split('.');
        let number = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        Some((number(parts.next()?)?, number(parts.next()?)?))
    }
}

/// Which built-in patches the stack wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    /// Those whose condition holds.
    #[default]
    Auto,
    /// These.
    List(Vec<String>),
}

/// What was decided about a built-in patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The patch.
    pub name: &'static str,
    /// Whether it is made.
    pub taken: bool,
    /// Why, or why not.
    pub why: String,
}

impl Decision {
    /// The decision as the plan says it.
    #[must_use]
    pub fn note(&self) -> Note {
        let (code, verb) =
            if self.taken { ("kubeflow::patch_taken", "taken") } else { ("kubeflow::patch_left", "left") };
        Note {
            severity: Severity::Info,
            code: code.to_owned(),
            address: None,
            message: format!("AKS patch `{}` is {verb}: {}", self.name, self.why),
            help: None,
        }
    }
}

/// What a condition sees.
struct Scene<'a> {
    facts: &'a Facts,
    bundle: &'a Bundle,
    selection: &'a Selection,
}

impl Scene<'_> {
    /// Whether a patch is on the user's list.
    fn is_listed(&self, name: &str) -> bool {
        matches!(self.selection, Selection::List(names) if names.iter().any(|listed| listed == name))
    }
}

/// What a condition comes to under `auto`.
enum Verdict {
    Take(String),
    Leave(String),
    Undecided(String),
    /// It is wanted, but what the stack says about it is not enough.
    Refuse {
        reason: String,
        help: &'static str,
    },
}

/// Decides which built-in patches are made.
///
/// # Errors
///
/// A condition that cannot be decided, a listed name that is none, and a dashboard
/// that would be open to everybody without anybody having said so.
pub fn decide(selection: &Selection, facts: &Facts, bundle: &Bundle) -> Result<Vec<Decision>, KubeflowErrors> {
    let scene = Scene { facts, bundle, selection };
    let mut errors = Vec::new();
    if let Selection::List(names) = selection {
        let known: Vec<&'static str> = RULES.iter().map(|rule| rule.name).collect();
        for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
            errors.push(KubeflowError::UnknownPatch { name: name.clone(), known: known.clone() });
        }
    }
    let mut decisions = Vec::new();
    for rule in &RULES {
        let name = rule.name;
        let verdict = (rule.decide)(&scene);
        let decision = match (selection, verdict) {
            (_, Verdict::Refuse { reason, help }) => {
                errors.push(KubeflowError::Rule { name, reason, help: help.to_owned() });
                continue;
            }
            (Selection::List(_), _) if scene.is_listed(name) => {
                Decision { name, taken: true, why: "it is on the list".to_owned() }
            }
            (Selection::List(_), _) => Decision { name, taken: false, why: "it is not on the list".to_owned() },
            (Selection::Auto, Verdict::Take(why)) => Decision { name, taken: true, why },
            (Selection::Auto, Verdict::Leave(why)) => Decision { name, taken: false, why },
            (Selection::Auto, Verdict::Undecided(reason)) => {
                errors.push(KubeflowError::Undecided { name, reason });
                continue;
            }
        };
        decisions.push(decision);
    }
    warn_of_sidecars(&mut decisions);
    checked(decisions, errors)
}

/// The two patches are remedies for the same thing, and do not go together.
fn warn_of_sidecars(decisions: &mut [Decision]) {
    let has_sidecars = decisions.iter().any(|decision| decision.name == enforcer::RULE.name && decision.taken);
    let tls = decisions.iter_mut().find(|decision| decision.name == pipeline_tls::RULE.name && decision.taken);
    if let (true, Some(tls)) = (has_sidecars, tls) {
        tls.why.push_str(
            ". Beware: with `admissions-enforcer` the pods have sidecars, and without mutual TLS access rules that name their callers will refuse them",
        );
    }
}

/// Makes the patches that were decided on, and says in the notes of the bundle which
/// were taken or left, why, and what they changed.
///
/// # Errors
///
/// A patch that hits nothing, or cannot be made.
pub fn apply(decisions: &[Decision], facts: &Facts, bundle: &mut Bundle) -> Result<(), KubeflowErrors> {
    let mut errors = Vec::new();
    for decision in decisions {
        let mut note = decision.note();
        if let Some(rule) = RULES.iter().find(|rule| rule.name == decision.name && decision.taken) {
            match (rule.apply)(facts, bundle) {
                Ok(changed) => note.message = format!("{}; it changes {}", note.message, changed.join(", ")),
                Err(reason) => {
                    let help = format!(
                        "leave `{}` off the list of `aks_patches`: this installation does not need it",
                        rule.name
                    );
                    errors.push(KubeflowError::Rule { name: rule.name, reason, help });
                    continue;
                }
            }
        }
        bundle.notes.push(note);
    }
    checked((), errors)
}

/// The object of a kind with a name, anywhere.
fn find<'b>(bundle: &'b Bundle, kind: &str, name: &str) -> Option<&'b Value> {
    bundle.objects().find(|object| is_named(object, kind, name))
}

fn is_named(object: &Value, kind: &str, name: &str) -> bool {
    object.get("kind").is_some_and(|own| own == kind) && metadata(object, "name") == name
}

/// The containers of an object that makes pods, with its init containers.
fn containers(object: &Value) -> impl Iterator<Item = &Value> {
    let specs = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec", "/spec"];
    let spec =
        specs.into_iter().find_map(|pointer| object.pointer(pointer).filter(|spec| spec.get("containers").is_some()));
    let lists =
        ["initContainers", "containers"].map(|key| spec.and_then(|spec| spec.get(key)).and_then(Value::as_array));
    lists.into_iter().flatten().flatten()
}

/// The same, to be changed in place.
fn containers_mut(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    let specs = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec", "/spec"];
    let pointer = specs
        .into_iter()
        .find(|pointer| object.pointer(pointer).is_some_and(|spec| spec.get("containers").is_some()))
        .unwrap_or("/no containers");
    let spec = object.pointer_mut(pointer).and_then(Value::as_object_mut);
    let lists = spec.into_iter().flat_map(|spec| {
        spec.iter_mut().filter(|(key, _)| matches!(key.as_str(), "initContainers" | "containers")).map(|(_, list)| list)
    });
    lists.filter_map(Value::as_array_mut).flatten()
}

/// `1 container`, `2 containers`.
fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
