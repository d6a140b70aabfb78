//! How to sign in to the Kubernetes API of an AKS cluster. What is given here is a capability: it is neither stored nor shown.

use std::fmt;

use base64::Engine as _;
use serde_json::Value as Json;

use crate::client::ArmClient;
use crate::error::AzureError;
use crate::id::ArmId;
use crate::kinds::AKS_API_VERSION;

/// How to sign in to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMode {
    /// With an Entra ID token of the same identity as to Azure: no kubelogin is needed.
    Aad,
    /// With the user credential that AKS gives.
    User,
    /// With the static administrator credential: only when the stack says so.
    LocalAdmin,
}

/// A kubeconfig, and how it is meant to be used.
#[derive(Clone)]
pub struct ClusterAccess {
    /// The mode that was taken.
    pub mode: AccessMode,
    kubeconfig: String,
}

impl ClusterAccess {
    /// The kubeconfig as AKS gives it. With [`AccessMode::Aad`] only its server and CA count: the bearer token is
    /// asked of the identity, with the scope [`kfplan_identity::AKS_SCOPE`].
    #[must_use]
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }
}

impl fmt::Debug for ClusterAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterAccess").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl ArmClient {
    /// How to sign in to a cluster. `auth` is the field of `aks_cluster`: `auto`, `aad`, `user`, or `local_admin`.
    ///
    /// # Errors
    ///
    /// [`AzureError::NoLocalAccounts`] when `local_admin` is asked for and turned off; [`AzureError::Call`] and
    /// [`AzureError::Form`] when Azure gives no credential.
    pub async fn cluster_access(&self, cluster: &ArmId, auth: &str) -> Result<ClusterAccess, AzureError> {
        let answer = self.get(cluster.as_str(), AKS_API_VERSION).await?;
        if !answer.is_success() {
            return Err(answer.trouble(&format!("looking at `{cluster}`")).into());
        }
        let takes_aad = answer.body.pointer("/properties/aadProfile").is_some_and(|profile| !profile.is_null());
        let no_local = answer.body.pointer("/properties/disableLocalAccounts") == Some(&Json::Bool(true));
        let mode = match auth {
            "local_admin" if no_local => return Err(AzureError::NoLocalAccounts { cluster: cluster.to_string() }),
            "local_admin" => AccessMode::LocalAdmin,
            "aad" => AccessMode::Aad,
            "user" => AccessMode::User,
            _ if takes_aad => AccessMode::Aad,
            _ => AccessMode::User,
        };
        let (call, more) = match mode {
            AccessMode::LocalAdmin => ("listClusterAdminCredential", ""),
            // Without this a cluster with Entra ID gives a kubeconfig for a login in a browser.
            AccessMode::Aad => ("listClusterUserCredential", "format=exec"),
            AccessMode::User => ("listClusterUserCredential", ""),
        };
        let kubeconfig = self.kubeconfig(cluster, call, more).await?;
        Ok(ClusterAccess { mode, kubeconfig })
    }

    async fn kubeconfig(&self, cluster: &ArmId, call: &str, more: &str) -> Result<String, AzureError> {
        let answer = self.post(&format!("{cluster}/{call}"), AKS_API_VERSION, more).await?;
        if !answer.is_success() {
            return Err(answer.trouble(&format!("asking for credentials of `{cluster}`")).into());
        }
        let form = |reason: &str| AzureError::Form { question: format!("`{call}`"), reason: reason.to_owned() };
        let text =
            answer.body.pointer("/kubeconfigs/0/value").and_then(Json::as_str).ok_or_else(|| form("no kubeconfig"))?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).map_err(|_| form("no base64"))?;
        String::from_utf8(bytes).map_err(|_| form("no text"))
    }
}
