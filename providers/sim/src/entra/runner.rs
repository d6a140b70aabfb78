//! Where a process gets a token by being where it is: machines with an identity, and runners of pipelines.

use serde_json::json;

use super::login::EXCHANGE;
use super::{LIFE, Realm, access_token, is_known, refused, token};
use crate::arm::wire::{Style, styled};
use crate::wire::{Request, Response};

/// Seconds that a runner's own token lives.
const ASSERTION_LIFE: u64 = 300;

/// The endpoint that App Service gives its processes (`IDENTITY_ENDPOINT`).
pub(super) fn service(realm: &Realm<'_>, request: &Request) -> Response {
    if request.header("x-identity-header") != Some(realm.runner_secret) {
        let body = json!({"statusCode": 401, "message": "The X-IDENTITY-HEADER is missing or wrong."});
        return styled(401, Style::Arm, &body);
    }
    match identity_token(realm, request) {
        Err(refusal) => *refusal,
        Ok((client, resource, token)) => {
            let ends = realm.now / 1_000 + LIFE;
            let body = json!({"access_token": token, "expires_on": ends.to_string(), "resource": resource,
                "token_type": "Bearer", "client_id": client});
            styled(200, Style::Arm, &body)
        }
    }
}

/// The endpoint that virtual machines have (IMDS).
pub(super) fn machine(realm: &Realm<'_>, request: &Request) -> Response {
    if !request.header("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        let body = json!({"error": "invalid_request", "error_description": "Required metadata header not specified"});
        return styled(400, Style::Arm, &body);
    }
    match identity_token(realm, request) {
        Err(refusal) => *refusal,
        Ok((client, resource, token)) => {
            let from = realm.now / 1_000;
            let body = json!({"access_token": token, "client_id": client, "expires_in": LIFE.to_string(),
                "ext_expires_in": LIFE.to_string(), "expires_on": (from + LIFE).to_string(),
                "not_before": from.to_string(), "resource": resource, "token_type": "Bearer"});
            styled(200, Style::Arm, &body)
        }
    }
}

/// Client, resource and token of a managed identity.
fn identity_token(realm: &Realm<'_>, request: &Request) -> Result<(String, String, String), Box<Response>> {
    let refuse = |code, why: &str| Err(Box::new(refused(realm, 400, "invalid_request", (code, why))));
    let asked = request.parameter("client_id").filter(|id| !id.is_empty());
    let known = realm.principals.iter().map(|(id, _)| id);
    let client = match asked {
        None => known.take(1).next(),
        Some(asked) => known.filter(|id| id.eq_ignore_ascii_case(&asked)).take(1).next(),
    };
    let Some(client) = client else { return refuse(700_016, "Identity not found.") };
    let resource = request.parameter("resource").unwrap_or_default();
    if !is_known(&resource, &request.base) {
        return refuse(500_011, "The resource principal of the requested token was not found.");
    }
    let token = access_token(realm, client, &resource);
    Ok((client.clone(), resource, token))
}

/// What a GitHub runner asks under `ACTIONS_ID_TOKEN_REQUEST_URL`.
pub(super) fn github(realm: &Realm<'_>, request: &Request) -> Response {
    if !is_bearer(realm, request) {
        return styled(401, Style::Arm, &json!({"message": "Unauthorized"}));
    }
    let audience = request.parameter("audience").unwrap_or_else(|| "https://github.com/sandbox".into());
    let token = assertion(realm, request, ("github", "repo:sandbox/sandbox:ref:refs/heads/main"), &audience);
    styled(200, Style::Arm, &json!({"count": 1, "value": token}))
}

/// What an Azure Pipelines runner asks under `SYSTEM_OIDCREQUESTURI`.
pub(super) fn pipelines(realm: &Realm<'_>, request: &Request) -> Response {
    if !is_bearer(realm, request) {
        return styled(
            401,
            Style::Arm,
            &json!({"message": "TF400813: The user is not authorized to access this resource."}),
        );
    }
    let Some(connection) = request.parameter("serviceConnectionId").filter(|id| !id.is_empty()) else {
        return styled(400, Style::Arm, &json!({"message": "The serviceConnectionId query parameter is missing."}));
    };
    let subject = format!("sc://sandbox/sandbox/{connection}");
    let token = assertion(realm, request, ("pipelines", &subject), EXCHANGE);
    styled(200, Style::Arm, &json!({"oidcToken": token}))
}

fn is_bearer(realm: &Realm<'_>, request: &Request) -> bool {
    let header = request.header("authorization").unwrap_or_default();
    let bearer = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    bearer.is_some_and(|(_, token)| token == realm.runner_secret)
}

fn assertion(realm: &Realm<'_>, request: &Request, (issuer, subject): (&str, &str), audience: &str) -> String {
    let from = realm.now / 1_000;
    let claims = json!({
        "aud": audience, "iss": format!("{}/oidc/{issuer}", request.base), "sub": subject, "iat": from, "nbf": from,
        "exp": from + ASSERTION_LIFE, "jti": realm.now.to_string(),
    });
    token::mint(&realm.secret, &claims)
}
