//! The token endpoint: a client with its secret, or with an assertion that somebody it trusts made.

use serde_json::json;

use super::token::{TokenError, check};
use super::{LIFE, Realm, access_token, is_known, refused};
use crate::arm::wire::{Style, styled};
use crate::wire::{Request, Response};

/// The audience of assertions.
pub(super) const EXCHANGE: &str = "api://AzureADTokenExchange";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(super) fn token(realm: &Realm<'_>, request: &Request, tenant: &str) -> Response {
    let form = request.form();
    let given = |key: &str| form.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value.as_str());
    let known = realm.tenant.eq_ignore_ascii_case(tenant);
    if !known {
        let why = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
        return refused(realm, 400, "invalid_request", (90_002, &why));
    }
    if given("grant_type") != "client_credentials" {
        let why = format!("The grant type '{}' is not supported: use client_credentials.", given("grant_type"));
        return refused(realm, 400, "unsupported_grant_type", (70_003, &why));
    }
    let client = given("client_id");
    let Some((_, secret)) = realm.principals.iter().find(|(id, _)| id.eq_ignore_ascii_case(client)) else {
        let why = format!("Application with identifier '{client}' was not found in the directory 'Sandbox'.");
        return refused(realm, 400, "unauthorized_client", (700_016, &why));
    };
    if let Err(refusal) = prove(realm, request, &given, secret) {
        return *refusal;
    }
    let audience = match (given("resource"), given("scope")) {
        ("", scope) => scope.strip_suffix("/.default").unwrap_or(scope),
        (resource, _) => resource,
    };
    if !is_known(audience, &request.base) {
        let why = format!("The resource principal named {audience} was not found in the tenant named Sandbox.");
        return refused(realm, 400, "invalid_resource", (500_011, &why));
    }
    let body = json!({
        "token_type": "Bearer", "expires_in": LIFE, "ext_expires_in": LIFE,
        "access_token": access_token(realm, client, audience),
    });
    styled(200, Style::Arm, &body)
}

/// The secret, or an assertion of an issuer of this world. What is wrong is said without repeating what was sent.
fn prove<'a>(
    realm: &Realm<'_>,
    request: &Request,
    given: &impl Fn(&str) -> &'a str,
    secret: &str,
) -> Result<(), Box<Response>> {
    let refuse = |code: u32, why: &str| Err(Box::new(refused(realm, 401, "invalid_client", (code, why))));
    if given("client_assertion").is_empty() {
        return match given("client_secret") {
            "" => refuse(7_000_218, "The request body must contain 'client_assertion' or 'client_secret'."),
            sent if sent == secret => Ok(()),
            _ => refuse(7_000_215, "Invalid client secret provided."),
        };
    }
    if given("client_assertion_type") != ASSERTION {
        return refuse(50_027, "The client_assertion_type is not a JWT bearer.");
    }
    match check(realm, given("client_assertion")) {
        Err(TokenError::Expired) => refuse(700_024, "Client assertion is not within its valid time range."),
        Err(TokenError::Invalid) => refuse(700_027, "Client assertion failed signature validation."),
        Ok(claims) if claims.audience != EXCHANGE => {
            refuse(700_212, "No matching federated identity record found for the presented assertion audience.")
        }
        Ok(claims) if !claims.issuer.starts_with(&format!("{}/oidc/", request.base)) => {
            refuse(700_211, "No matching federated identity record found for the presented assertion issuer.")
        }
        Ok(_) => Ok(()),
    }
}
