//! Which Azure: where tokens come from and where ARM is.

use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use url::Url;

use crate::error::IdentityError;

/// The scope of tokens for the API servers of AKS clusters: one application for all of them, in every cloud.
pub const AKS_SCOPE: &str = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";

/// One Azure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloud {
    name: String,
    authority: Url,
    endpoint: Url,
    /// What tokens for ARM are for; `/.default` is put behind it.
    audience: String,
    ca_pem: Option<String>,
}

impl Cloud {
    /// The cloud that a stack names: `public`, `china`, or `usgov`.
    ///
    /// # Errors
    ///
    /// [`IdentityError::UnknownCloud`] for any other name.
    pub fn named(name: &str) -> Result<Self, IdentityError> {
        let (authority, endpoint) = match name {
            "public" => ("https://login.microsoftonline.com", "https://management.azure.com"),
            "china" => ("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
            "usgov" => ("https://login.microsoftonline.us", "https://management.usgovcloudapi.net"),
            _ => return Err(IdentityError::UnknownCloud { name: name.to_owned() }),
        };
        Self::custom(name, authority, endpoint, None)
    }

    /// A cloud at these endpoints, such as a simulated one. Plain `http` is taken for this machine only.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Endpoint`] when an endpoint is no such URL.
    pub fn custom(name: &str, authority: &str, endpoint: &str, ca_pem: Option<String>) -> Result<Self, IdentityError> {
        let endpoint = endpoint.trim_end_matches('/');
        Ok(Self {
            name: name.to_owned(),
            authority: checked(authority)?,
            endpoint: checked(endpoint)?,
            audience: endpoint.to_owned(),
            ca_pem,
        })
    }

    /// Its name, for the person.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where ARM is.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Where tokens come from.
    #[must_use]
    pub fn authority(&self) -> &Url {
        &self.authority
    }

    /// The scope of tokens for ARM.
    #[must_use]
    pub fn arm_scope(&self) -> String {
        format!("{}/.default", self.audience)
    }

    /// The CA that its certificates are checked with, when it is not one that the system trusts.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The same for azure_identity, which wants https: a loopback authority is rewritten back by the transport.
    pub(crate) fn configuration(&self) -> Arc<CloudConfiguration> {
        let mut authority = self.authority.clone();
        // Cannot fail: both schemes are ones that have a host.
        let _ = authority.set_scheme("https");
        let mut custom = CustomConfiguration::default();
        custom.authority_host = authority.to_string();
        Arc::new(custom.into())
    }
}

/// Whether a URL stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn checked(text: &str) -> Result<Url, IdentityError> {
    let wrong = |reason: String| IdentityError::Endpoint { url: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(wrong("it is neither https nor on this machine".to_owned())),
    }
}
