//! What can go wrong before or beside a step. Within steps everything is a `Trouble`.

use kfplan_plan::{Class, Trouble};

/// A question to Azure that has no good answer. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AzureError {
    /// The subscription is not among those that can be seen.
    #[error("subscription `{wanted}` is not among those that can be seen")]
    UnknownSubscription {
        /// Id or name, as the stack says.
        wanted: String,
        /// What can be seen: name and id.
        known: Vec<String>,
    },
    /// Several subscriptions have this name.
    #[error("{} subscriptions have the name `{wanted}`", ids.len())]
    AmbiguousSubscription {
        /// The name.
        wanted: String,
        /// Their ids.
        ids: Vec<String>,
    },
    /// A subscription that takes no writes.
    #[error("subscription `{id}` is `{state}`")]
    DisabledSubscription {
        /// Its id.
        id: String,
        /// Its state.
        state: String,
    },
    /// The cluster has no static administrator credential.
    #[error("cluster `{cluster}` has its local accounts turned off")]
    NoLocalAccounts {
        /// The cluster.
        cluster: String,
    },
    /// The answer does not have the form that is documented.
    #[error("the answer to {question} does not have the form that is documented: {reason}")]
    Form {
        /// What was asked.
        question: String,
        /// What is missing.
        reason: String,
    },
    /// A call failed.
    #[error("{0}")]
    Call(Trouble),
}

impl From<Trouble> for AzureError {
    fn from(trouble: Trouble) -> Self {
        Self::Call(trouble)
    }
}

impl AzureError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::UnknownSubscription { known, .. } if known.is_empty() => {
                "no subscription can be seen: check tenant and role assignments of who is signed in".to_owned()
            }
            Self::UnknownSubscription { known, .. } => format!("write one of: {}", known.join(", ")),
            Self::AmbiguousSubscription { ids, .. } => {
                format!("write the id of the one that is meant: {}", ids.join(", "))
            }
            Self::DisabledSubscription { .. } => "enable it, or choose another one in [azure]".to_owned(),
            Self::NoLocalAccounts { .. } => "remove auth = \"local_admin\", or state local_accounts = true".to_owned(),
            Self::Form { .. } => "report this with the answer of `--events -`".to_owned(),
            Self::Call(trouble) => trouble.help.clone(),
        }
    }

    /// The same as a failed call.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Call(trouble) => trouble.clone(),
            other => Trouble::new(Class::Permanent, "Azure", other.to_string(), other.help()),
        }
    }
}
