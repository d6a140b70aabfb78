//! The kubeconfigs that AKS gives out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::clusters::Place;
use super::route::Asked;
use super::state::{Arm, object};
use super::wire::{Answer, Refusal, Style, styled};
use crate::fleet::{Credentials, Fleet};

/// The application that users log in with.
const CLIENT_APP: &str = "80faf920-1908-4b52-b5ef-a8e7bedfc67a";

impl Arm {
    pub(crate) fn credentials(
        &mut self,
        asked: &Asked<'_>,
        place: &Place<'_>,
        admin: bool,
        fleet: &mut dyn Fleet,
    ) -> Answer {
        let cluster = self.found(asked, place)?;
        let directory = cluster.properties.contains_key("aadProfile");
        let no_local_accounts = cluster.properties.get("disableLocalAccounts") == Some(&Value::Bool(true));
        if no_local_accounts && (admin || !directory) {
            let message =
                "Getting static credential is not allowed because this cluster is set to disable local accounts.";
            return Err(Refusal::aks(400, "BadRequest", message));
        }
        let Some(credentials) = cluster.is_established().then(|| fleet.credentials(cluster.uid(), admin)).flatten()
        else {
            let message = format!("Could not find control plane with ID {}.", cluster.uid());
            return Err(Refusal::flat(404, "ControlPlaneNotFound", message));
        };
        let role = if admin { "clusterAdmin" } else { "clusterUser" };
        let user = format!("{role}_{}_{}", cluster.group, cluster.name);
        let format = asked.request.parameter("format").unwrap_or_default().to_ascii_lowercase();
        if !matches!(format.as_str(), "" | "exec" | "azure") {
            let message = format!("The credential format '{format}' is not one of azure, exec.");
            return Err(Refusal::aks(400, "InvalidParameter", message).at("format"));
        }
        let tenant =
            object(&cluster.properties, "aadProfile").get("tenantID").and_then(Value::as_str).map(str::to_owned);
        let tenant = tenant.unwrap_or_else(|| self.settings.tenant.clone());
        let login = if directory && !admin { directory_login(&tenant) } else { local_login(&credentials) };
        let text = match &self.settings.lent {
            Some(lent) => lent.kubeconfig().to_owned(),
            None => kubeconfig(&cluster.name, &user, &credentials, &login),
        };
        let body = json!({"kubeconfigs": [{"name": role, "value": STANDARD.encode(text)}]});
        Ok(styled(200, Style::Aks, &body))
    }
}

/// A local account: certificate and key where the transport has made them, and the token.
fn local_login(credentials: &Credentials) -> String {
    let mut lines = String::new();
    if !credentials.client_key_pem.is_empty() {
        let certificate = STANDARD.encode(&credentials.client_certificate_pem);
        let key = STANDARD.encode(&credentials.client_key_pem);
        lines.push_str(&format!("    client-certificate-data: {certificate}\n    client-key-data: {key}\n"));
    }
    lines.push_str(&format!("    token: {}\n", credentials.token));
    lines
}

/// A login through the directory, by a helper program.
fn directory_login(tenant: &str) -> String {
    let arguments = [
        "get-token",
        "--environment",
        "AzurePublicCloud",
        "--server-id",
        crate::entra::CLUSTERS,
        "--client-id",
        CLIENT_APP,
        "--tenant-id",
        tenant,
        "--login",
        "devicecode",
    ];
    let arguments: String = arguments.iter().map(|argument| format!("      - {argument}\n")).collect();
    format!(
        "    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      args:\n{arguments}\
         \x20     command: kubelogin\n      env: null\n      installHint: |2\n\n        kubelogin is not installed which \
         is required to connect to AAD enabled cluster.\n      provideClusterInfo: false\n"
    )
}

fn kubeconfig(cluster: &str, user: &str, credentials: &Credentials, login: &str) -> String {
    let authority = STANDARD.encode(&credentials.ca_pem);
    let server = &credentials.server;
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {authority}\n    server: {server}\n\
         \x20 name: {cluster}\ncontexts:\n- context:\n    cluster: {cluster}\n    user: {user}\n  name: {cluster}\n\
         current-context: {cluster}\nkind: Config\npreferences: {{}}\nusers:\n- name: {user}\n  user:\n{login}"
    )
}
