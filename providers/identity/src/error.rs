//! Why nobody is signed in.

use kfplan_plan::{Class, Trouble};

/// A credential that cannot be used, or that gave no token. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// No such credential.
    #[error("`{name}` is no credential")]
    UnknownMethod {
        /// What was asked for.
        name: String,
    },
    /// No such cloud.
    #[error("`{name}` is no cloud")]
    UnknownCloud {
        /// What was asked for.
        name: String,
    },
    /// An endpoint of a cloud is not usable.
    #[error("`{url}` cannot be an endpoint: {reason}")]
    Endpoint {
        /// What was given.
        url: String,
        /// Why not.
        reason: String,
    },
    /// The credential that was asked for is not set up.
    #[error("credential `{method}` is not set up: {missing} not set")]
    NotConfigured {
        /// The credential.
        method: &'static str,
        /// The variables that are missing, joined.
        missing: String,
    },
    /// `auto` found nothing.
    #[error("no Azure credential is set up:\n{tried}")]
    NothingConfigured {
        /// One line for each credential: what it would need.
        tried: String,
    },
    /// The credential cannot be made.
    #[error("credential `{method}` cannot be used: {reason}")]
    Unusable {
        /// The credential.
        method: &'static str,
        /// Why not.
        reason: String,
    },
    /// The token service refused.
    #[error("`{method}` got no token: {reason}")]
    Refused {
        /// The credential.
        method: &'static str,
        /// What the service said.
        reason: String,
    },
    /// The token service could not be reached, or was busy.
    #[error("`{method}` could not ask for a token: {reason}")]
    Unreachable {
        /// The credential.
        method: &'static str,
        /// What happened.
        reason: String,
    },
}

impl IdentityError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::UnknownMethod { .. } => format!("write credential = one of: {}", crate::Method::NAMES.join(", ")),
            Self::UnknownCloud { .. } => "write cloud = \"public\", \"china\" or \"usgov\"".to_owned(),
            Self::Endpoint { .. } => "give an https URL; http is taken for this machine only".to_owned(),
            Self::NotConfigured { missing, .. } => format!("set {missing}, or choose another credential in [azure]"),
            Self::NothingConfigured { .. } => {
                "set up one of them, or on an Azure machine write credential = \"managed_identity\" in [azure]"
                    .to_owned()
            }
            Self::Unusable { .. } => "see the reason, or choose another credential in [azure]".to_owned(),
            Self::Refused { method: "cli", .. } => "run `az login`, then try again".to_owned(),
            Self::Refused { .. } => "check tenant, client and federation or secret of this credential".to_owned(),
            Self::Unreachable { .. } => "check the network and proxy settings, then try again".to_owned(),
        }
    }

    /// The same as a failed call.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        let class = match self {
            Self::Unreachable { .. } => Class::Retryable,
            _ => Class::Auth,
        };
        Trouble::new(class, "SignIn", self.to_string(), self.help())
    }
}
