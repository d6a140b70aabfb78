//! What clients ask before they log in: where things are.

use serde_json::json;

use super::Realm;
use crate::arm::wire::{Style, styled};
use crate::wire::{Request, Response};

/// The cloud's endpoints, as `az cloud register` asks for them. What the sandbox has not is named, and leads nowhere.
pub(super) fn endpoints(realm: &Realm<'_>, request: &Request) -> Response {
    let base = format!("{}/", request.base);
    let nowhere = |name: &str| format!("https://{name}.sandbox.invalid/");
    let body = json!({
        "name": "Sandbox", "portal": nowhere("portal"), "graph": nowhere("graph"), "graphAudience": nowhere("graph"),
        "media": nowhere("media"), "batch": nowhere("batch"), "gallery": nowhere("gallery"),
        "sqlManagement": nowhere("sql"), "resourceManager": base,
        "vmImageAliasDoc": nowhere("images"), "activeDirectoryDataLake": nowhere("datalake"),
        "microsoftGraphResourceId": nowhere("graph"), "logAnalyticsResourceId": nowhere("logs"),
        "synapseAnalyticsResourceId": nowhere("synapse"), "appInsightsResourceId": nowhere("insights"),
        "authentication": {
            "loginEndpoint": request.base, "audiences": [base, request.base, "https://management.azure.com/"],
            "tenant": realm.tenant, "identityProvider": "AAD",
        },
        "suffixes": {"storage": "core.sandbox.invalid", "keyVaultDns": "vault.sandbox.invalid",
            "acrLoginServer": "azurecr.sandbox.invalid"},
    });
    styled(200, Style::Arm, &body)
}

/// The OpenID configuration of a tenant.
pub(super) fn configuration(realm: &Realm<'_>, request: &Request) -> Response {
    let base = format!("{}/{}", request.base, realm.tenant);
    let body = json!({
        "issuer": format!("{base}/v2.0"), "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"), "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "response_types_supported": ["code", "token"], "scopes_supported": ["openid", "offline_access"],
        "subject_types_supported": ["pairwise"], "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": "NA", "cloud_instance_name": "sandbox.invalid",
    });
    styled(200, Style::Arm, &body)
}

/// Whether an authority is to be trusted: the one that was reached.
pub(super) fn instance(realm: &Realm<'_>, request: &Request) -> Response {
    let host = request.base.rsplit('/').next().unwrap_or_default();
    let body = json!({
        "tenant_discovery_endpoint": format!("{}/{}/v2.0/.well-known/openid-configuration", request.base, realm.tenant),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    });
    styled(200, Style::Arm, &body)
}
