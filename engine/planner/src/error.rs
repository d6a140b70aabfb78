//! Why there can be no plan.

use std::collections::BTreeSet;
use std::fmt;

use kfplan_model::{Address, Path, ResourceAddress};
use kfplan_plan::{Locator, Problem};

/// One reason why there can be no plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum PlanError {
    /// State is bound to something else than what was found. Nothing was compared.
    #[error("this state is bound to the {what} `{bound}`, and what answers is `{found}`")]
    OtherIdentity {
        /// Such as `subscription` or `cluster aks_cluster.main`.
        what: String,
        /// What state is bound to.
        bound: String,
        /// What was found.
        found: String,
    },
    /// A cluster does not answer.
    #[error("the cluster `{cluster}` cannot be reached: {reason}")]
    Unreachable {
        /// The cluster.
        cluster: ResourceAddress,
        /// What went wrong.
        reason: String,
        /// What to do, in the provider's words.
        help: String,
    },
    /// A resource has a type that nobody knows.
    #[error("`{resource}` has a type that this kfplan does not know")]
    UnknownType {
        /// The resource.
        resource: ResourceAddress,
    },
    /// Something is wrong with a resource.
    #[error("`{}`: {}", .0.resource, .0.message)]
    Problem(Problem),
    /// What decides which objects exist is known only after apply.
    #[error("`{field}` of `{resource}` decides what exists, and is known only after apply: `{template}`")]
    Unknowable {
        /// The resource.
        resource: ResourceAddress,
        /// The field.
        field: Path,
        /// The expression.
        template: String,
        /// What it waits for.
        waits: BTreeSet<ResourceAddress>,
    },
    /// An expression cannot be evaluated.
    #[error("`{resource}`: {message}")]
    Expression {
        /// The resource, or the output as `outputs.NAME`.
        resource: String,
        /// What is wrong.
        message: String,
    },
    /// Two resources state the same thing.
    #[error("`{first}` and `{second}` are the same thing: {place}")]
    Duplicate {
        /// One.
        first: Address,
        /// The other.
        second: Address,
        /// Where both are.
        place: String,
    },
    /// What is only read is not there.
    #[error("`{address}` is said to exist, and it does not: {place}")]
    Missing {
        /// What is missing.
        address: Address,
        /// Where it was looked for.
        place: String,
    },
    /// Rendering was answered, and the resource asks for it again.
    #[error("`{resource}` asks to be rendered again after it was rendered")]
    RenderLoop {
        /// The resource.
        resource: ResourceAddress,
    },
    /// Things wait for each other.
    #[error("these wait for each other: {}", round(.ring))]
    Cycle {
        /// Each comes before the next, and the last before the first.
        ring: Vec<String>,
    },
    /// A name on the command line names nothing.
    #[error("`{option} {text}` names nothing")]
    NamesNothing {
        /// The option.
        option: &'static str,
        /// What was given.
        text: String,
    },
    /// A short name on the command line names several things.
    #[error("`{option} {text}` names several things: {}", names.join(", "))]
    NamesSeveral {
        /// The option.
        option: &'static str,
        /// What was given.
        text: String,
        /// What it could be, at most ten.
        names: Vec<String>,
    },
    /// `[[moved]]` leads to an address that already has a record.
    #[error("`[[moved]]` leads from `{from}` to `{to}`, and both are recorded")]
    MovedOntoRecord {
        /// The old address.
        from: ResourceAddress,
        /// The new one.
        to: ResourceAddress,
    },
    /// `[[removed]]` names what the stack still wants.
    #[error("`[[removed]]` names `{resource}`, which the stack still declares")]
    RemovedButDeclared {
        /// The resource.
        resource: ResourceAddress,
    },
}

impl PlanError {
    /// A stable code, listed in `docs/errors.md`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::OtherIdentity { .. } => "plan::other_identity",
            Self::Unreachable { .. } => "plan::unreachable",
            Self::UnknownType { .. } => "plan::unknown_type",
            Self::Problem(problem) => &problem.code,
            Self::Unknowable { .. } => "plan::unknowable",
            Self::Expression { .. } => "plan::expression",
            Self::Duplicate { .. } => "plan::duplicate",
            Self::Missing { .. } => "plan::missing",
            Self::RenderLoop { .. } => "plan::render_loop",
            Self::Cycle { .. } => "plan::cycle",
            Self::NamesNothing { .. } => "plan::names_nothing",
            Self::NamesSeveral { .. } => "plan::names_several",
            Self::MovedOntoRecord { .. } => "plan::moved_onto_record",
            Self::RemovedButDeclared { .. } => "plan::removed_but_declared",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::OtherIdentity { what, .. } => {
                format!(
                    "point the stack at the {what} that it was applied to, or choose another `--env`, which has a state of its own"
                )
            }
            Self::Unreachable { help, .. } => {
                let own = "`--allow-unreachable` plans the rest and leaves its contents out";
                if help.is_empty() { own.to_owned() } else { format!("{help}; {own}") }
            }
            Self::UnknownType { .. } => "`kfplan schema` lists the types that there are".to_owned(),
            Self::Problem(problem) => problem.help.clone(),
            Self::Unknowable { waits, .. } => {
                let names: Vec<String> = waits.iter().map(|wait| format!("--target {wait}")).collect();
                format!("state the value itself, or apply `{}` first", names.join(" "))
            }
            Self::Expression { .. } => "correct the expression in the stack file".to_owned(),
            Self::Duplicate { .. } => "state it once: remove it from one of the two".to_owned(),
            Self::Missing { .. } => {
                "create it first, or take `existing = true` away so that kfplan creates it".to_owned()
            }
            Self::RenderLoop { .. } => "this is a bug of kfplan: please report it with the stack file".to_owned(),
            Self::Cycle { .. } => "take one of the dependencies away".to_owned(),
            Self::NamesNothing { .. } => {
                "`kfplan state list` and `kfplan plan` print the addresses that there are".to_owned()
            }
            Self::NamesSeveral { .. } => "give the whole address".to_owned(),
            Self::MovedOntoRecord { from, to } => {
                format!(
                    "forget one of the two with `kfplan state rm`, or move it by hand with `kfplan state mv {from} {to}`"
                )
            }
            Self::RemovedButDeclared { .. } => "take the table `[[removed]]` or the resource away".to_owned(),
        }
    }
}

/// Every reason why there can be no plan, in order and without repetition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PlanErrors(Vec<PlanError>);

impl PlanErrors {
    /// All of them as one; `None` when there is none.
    #[must_use]
    pub fn of(mut errors: Vec<PlanError>) -> Option<Self> {
        errors.sort();
        errors.dedup();
        (!errors.is_empty()).then_some(Self(errors))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &PlanError> {
        self.0.iter()
    }
}

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// The name of a place in an error.
pub(crate) fn place(locator: &Locator) -> String {
    locator.to_string()
}

fn round(ring: &[String]) -> String {
    ring.iter().chain(ring.first()).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" before ")
}
