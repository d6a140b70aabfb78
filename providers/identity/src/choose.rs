//! Which credential: the one that is named, or the one that the environment is set up for.

use std::fmt;

use crate::Environment;
use crate::error::IdentityError;

/// A way to prove who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// The OIDC token of a GitHub Actions job; a fresh one for each token.
    GithubOidc,
    /// The OIDC token of an Azure Pipelines service connection.
    AzurePipelines,
    /// The ServiceAccount token that AKS puts into a pod.
    WorkloadIdentity,
    /// A client secret.
    ClientSecret,
    /// The identity of the machine or app.
    ManagedIdentity,
    /// Whoever is signed in to the Azure CLI.
    Cli,
}

impl Method {
    /// The names that a stack may use.
    pub const NAMES: [&'static str; 7] =
        ["auto", "github_oidc", "azure_pipelines", "workload_identity", "client_secret", "managed_identity", "cli"];

    /// What `auto` tries, in this order. A stated secret comes first; nothing in it waits for a network that may not be there.
    const ORDER: [Self; 6] = [
        Self::ClientSecret,
        Self::GithubOidc,
        Self::AzurePipelines,
        Self::WorkloadIdentity,
        Self::ManagedIdentity,
        Self::Cli,
    ];

    /// The method of this name; `None` for `auto` and for what is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ORDER.into_iter().find(|method| method.name() == name)
    }

    /// Its name in a stack file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GithubOidc => "github_oidc",
            Self::AzurePipelines => "azure_pipelines",
            Self::WorkloadIdentity => "workload_identity",
            Self::ClientSecret => "client_secret",
            Self::ManagedIdentity => "managed_identity",
            Self::Cli => "cli",
        }
    }

    /// The variables that it needs, each with other names that serve as well.
    pub(crate) const fn needs(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::GithubOidc => &[
                &["ACTIONS_ID_TOKEN_REQUEST_URL"],
                &["ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
                &["AZURE_CLIENT_ID"],
                &["AZURE_TENANT_ID"],
            ],
            Self::AzurePipelines => &[
                &["SYSTEM_OIDCREQUESTURI"],
                &["SYSTEM_ACCESSTOKEN"],
                &["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
                &["AZURESUBSCRIPTION_CLIENT_ID", "AZURE_CLIENT_ID"],
                &["AZURESUBSCRIPTION_TENANT_ID", "AZURE_TENANT_ID"],
            ],
            Self::WorkloadIdentity => &[&["AZURE_FEDERATED_TOKEN_FILE"], &["AZURE_CLIENT_ID"], &["AZURE_TENANT_ID"]],
            Self::ClientSecret => &[&["AZURE_CLIENT_SECRET"], &["AZURE_CLIENT_ID"], &["AZURE_TENANT_ID"]],
            // On a virtual machine nothing is set; then only asking by name takes it.
            Self::ManagedIdentity => &[&["IDENTITY_ENDPOINT"], &["IDENTITY_HEADER"]],
            Self::Cli => &[],
        }
    }

    fn missing(self, environment: &Environment, tenant: Option<&str>) -> Vec<&'static str> {
        let is_tenant = |names: &[&str]| tenant.is_some() && names.contains(&"AZURE_TENANT_ID");
        self.needs()
            .iter()
            .filter(|names| read(environment, names).is_none() && !is_tenant(names))
            .filter_map(|names| names.first().copied())
            .collect()
    }
}

/// The first of these variables that is set to something.
pub(crate) fn read<'a>(environment: &'a Environment, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| environment.get(*name)).map(String::as_str).filter(|value| !value.is_empty())
}

/// Which credential was taken and why, for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The credential.
    pub method: Method,
    /// Why it was taken.
    pub why: String,
    /// The tenant that tokens are asked of, where that is known before the first token.
    pub tenant: Option<String>,
    /// The client id, where that is known before the first token.
    pub client: Option<String>,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.method.name(), self.why)?;
        if let Some(client) = &self.client {
            write!(f, ", client {client}")?;
        }
        if let Some(tenant) = &self.tenant {
            write!(f, ", tenant {tenant}")?;
        }
        Ok(())
    }
}

/// Chooses; asks nobody and waits for nothing.
pub(crate) fn choose(
    name: &str,
    tenant: Option<&str>,
    environment: &Environment,
    is_program: impl Fn(&str) -> bool,
) -> Result<Choice, IdentityError> {
    let (method, why) = match Method::named(name) {
        Some(method) => {
            let missing = method.missing(environment, tenant);
            if !missing.is_empty() && method != Method::ManagedIdentity {
                return Err(IdentityError::NotConfigured { method: method.name(), missing: missing.join(", ") });
            }
            (method, "as the stack says".to_owned())
        }
        None if name == "auto" => found(tenant, environment, is_program)?,
        None => return Err(IdentityError::UnknownMethod { name: name.to_owned() }),
    };
    let ids: &[&[&str]] = match method {
        Method::AzurePipelines => {
            &[&["AZURESUBSCRIPTION_CLIENT_ID", "AZURE_CLIENT_ID"], &["AZURESUBSCRIPTION_TENANT_ID", "AZURE_TENANT_ID"]]
        }
        Method::Cli => &[],
        Method::ManagedIdentity => &[&["AZURE_CLIENT_ID"]],
        Method::GithubOidc | Method::WorkloadIdentity | Method::ClientSecret => {
            &[&["AZURE_CLIENT_ID"], &["AZURE_TENANT_ID"]]
        }
    };
    let id = |place: usize| ids.get(place).and_then(|names| read(environment, names)).map(str::to_owned);
    Ok(Choice { method, why, tenant: tenant.map(str::to_owned).or_else(|| id(1)), client: id(0) })
}

fn found(
    tenant: Option<&str>,
    environment: &Environment,
    is_program: impl Fn(&str) -> bool,
) -> Result<(Method, String), IdentityError> {
    let mut tried = Vec::new();
    for method in Method::ORDER {
        if method == Method::Cli {
            if is_program("az") {
                return Ok((method, "`az` is installed, and nothing else is set up".to_owned()));
            }
            tried.push("  cli: `az` is not on PATH".to_owned());
            continue;
        }
        let missing = method.missing(environment, tenant);
        if missing.is_empty() {
            let first = method.needs().first().and_then(|names| names.first()).copied().unwrap_or_default();
            return Ok((method, format!("{first} is set")));
        }
        tried.push(format!("  {}: {} not set", method.name(), missing.join(", ")));
    }
    Err(IdentityError::NothingConfigured { tried: tried.join("\n") })
}
