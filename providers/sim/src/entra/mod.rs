//! The token service beside ARM (Entra ID), and the places a process gets tokens from without a secret.
//!
//! Tokens have the form of a JWT and are proved by a secret of the world. Nothing is kept: what a token says is in it.

mod login;
mod metadata;
mod runner;
mod token;

use serde_json::json;

use crate::arm::dice::url64;
use crate::arm::wire::{Answer, Segments, Style, styled};
use crate::wire::{Request, Response};

pub(crate) use token::{TokenError, check};

/// Seconds that an access token lives.
const LIFE: u64 = 3_599;

/// What the service knows of the world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Realm<'a> {
    pub(crate) now: u64,
    pub(crate) tenant: &'a str,
    /// Client ids and their secrets.
    pub(crate) principals: &'a [(String, String)],
    /// What runners and machines prove themselves with.
    pub(crate) runner_secret: &'a str,
    pub(crate) secret: [u8; 32],
}

/// Answers what is asked of the token service; nothing when the request is not for it.
pub(crate) fn handle(realm: &Realm<'_>, request: &Request) -> Option<Answer> {
    let segments = Segments::of(&request.path);
    let lower = segments.lower();
    Some(Ok(match (request.method.as_str(), lower.as_slice()) {
        ("GET", ["metadata", "endpoints"]) => metadata::endpoints(realm, request),
        ("GET", ["common", "discovery", "instance"]) => metadata::instance(realm, request),
        ("GET", [_, "v2.0", ".well-known", "openid-configuration"] | [_, ".well-known", "openid-configuration"]) => {
            metadata::configuration(realm, request)
        }
        ("GET", [_, "discovery", "v2.0", "keys"]) => styled(200, Style::Arm, &json!({"keys": []})),
        ("POST", [tenant, "oauth2", "v2.0", "token"] | [tenant, "oauth2", "token"]) => {
            login::token(realm, request, tenant)
        }
        ("GET", ["metadata", "identity", "oauth2", "token"]) => runner::machine(realm, request),
        ("GET", ["msi", "token"]) => runner::service(realm, request),
        ("GET", ["oidc", "github"]) => runner::github(realm, request),
        ("POST", ["oidc", "pipelines"]) => runner::pipelines(realm, request),
        _ => return None,
    }))
}

/// The audience of a token for the ARM that is reached under `base`.
pub(crate) fn is_for_management(audience: &str, base: &str) -> bool {
    const REAL: [&str; 2] = ["https://management.azure.com", "https://management.core.windows.net"];
    let audience = audience.trim_end_matches('/');
    audience == base || REAL.contains(&audience)
}

/// The application that stands for the API servers of all AKS clusters.
pub(crate) const CLUSTERS: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";

/// Whom a token names that is meant for the API servers of clusters, and still lives.
pub(crate) fn cluster_subject(realm: &Realm<'_>, token: &str) -> Option<String> {
    check(realm, token).ok().filter(|claims| claims.audience == CLUSTERS).map(|claims| claims.subject)
}

/// Whether tokens are given for an audience: ARM, the API servers of AKS, storage, Graph.
fn is_known(audience: &str, base: &str) -> bool {
    const OTHERS: [&str; 4] =
        [CLUSTERS, "https://storage.azure.com", "https://graph.microsoft.com", "https://graph.windows.net"];
    is_for_management(audience, base)
        || OTHERS.contains(&audience.trim_end_matches('/'))
        || audience.ends_with(".blob.core.windows.net")
}

/// An access token for a client.
pub(crate) fn access_token(realm: &Realm<'_>, client: &str, audience: &str) -> String {
    let issued = realm.now / 1_000;
    let claims = json!({
        "aud": audience, "iss": format!("https://sts.windows.net/{}/", realm.tenant), "iat": issued, "nbf": issued,
        "exp": issued + LIFE, "appid": client, "appidacr": "1", "idtyp": "app", "oid": client, "sub": client,
        "tid": realm.tenant, "ver": "1.0",
        // Two tokens of one moment differ.
        "uti": url64(&crate::arm::dice::digest(&[client.as_bytes(), audience.as_bytes(), &realm.now.to_le_bytes()])),
    });
    token::mint(&realm.secret, &claims)
}

/// A refusal of the token service, in its own shape.
fn refused(realm: &Realm<'_>, status: u16, error: &str, (code, why): (u32, &str)) -> Response {
    let time = crate::arm::time::short(realm.now).replace('T', " ");
    let body = json!({
        "error": error, "error_description": format!("AADSTS{code}: {why} Timestamp: {time}"), "error_codes": [code],
        "timestamp": time, "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
    });
    styled(status, Style::Arm, &body)
}

#[cfg(test)]
mod tests;
