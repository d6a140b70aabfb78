//! Who may ask: every request carries a token that the token service of this world gave, and that still lives.

use serde_json::json;

use super::state::Arm;
use super::wire::{Answer, Refusal, Style, styled};
use crate::entra::{self, Realm, TokenError};
use crate::wire::{Request, Response};

impl Arm {
    /// What the token service has to know.
    pub(crate) fn entra(&self, now: u64) -> Realm<'_> {
        Realm {
            now,
            tenant: &self.settings.tenant,
            principals: &self.settings.principals,
            runner_secret: &self.settings.runner_secret,
            secret: self.dice.secret("tokens"),
        }
    }

    pub(crate) fn check_token(&self, now: u64, request: &Request) -> Result<(), Refusal> {
        if !self.settings.tokens_required {
            return Ok(());
        }
        let header = request.header("authorization").unwrap_or_default();
        let token = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(missing()),
        };
        match entra::check(&self.entra(now), token) {
            Ok(claims) if entra::is_for_management(&claims.audience, &request.base) => Ok(()),
            Ok(claims) => Err(unauthorized(
                "InvalidAuthenticationTokenAudience",
                &format!(
                    "The access token has been obtained for wrong audience or resource '{}'. It should exactly match \
                     with one of the allowed audiences '{}/','https://management.azure.com/'.",
                    claims.audience, request.base
                ),
            )),
            Err(TokenError::Expired) => Err(expired()),
            Err(TokenError::Invalid) => Err(unauthorized("InvalidAuthenticationToken", "The access token is invalid.")),
        }
    }

    pub(crate) fn list_tenants(&self) -> Response {
        let tenant = &self.settings.tenant;
        let body = json!({"value": [{"id": format!("/tenants/{tenant}"), "tenantId": tenant,
            "displayName": "Sandbox", "tenantCategory": "Home", "countryCode": "US", "domains": ["sandbox.invalid"]}]});
        styled(200, Style::Arm, &body)
    }

    pub(crate) fn list_subscriptions(&self) -> Response {
        let all: Vec<_> =
            self.settings.subscriptions.iter().map(|(id, name)| self.render_subscription(id, name)).collect();
        let count = json!({"type": "Total", "value": all.len()});
        styled(200, Style::Arm, &json!({"value": all, "count": count}))
    }

    pub(crate) fn get_subscription(&self, subscription: &str) -> Answer {
        let found = self.settings.subscriptions.iter().find(|(id, _)| id == subscription);
        let (id, name) = found.map(|(id, name)| (id.as_str(), name.as_str())).unwrap_or((subscription, ""));
        Ok(styled(200, Style::Arm, &self.render_subscription(id, name)))
    }

    fn render_subscription(&self, id: &str, name: &str) -> serde_json::Value {
        json!({
            "id": format!("/subscriptions/{id}"), "authorizationSource": "RoleBased", "managedByTenants": [],
            "subscriptionId": id, "tenantId": self.settings.tenant, "displayName": name, "state": "Enabled",
            "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off"},
        })
    }
}

fn unauthorized(code: &str, message: &str) -> Refusal {
    let challenge = format!(
        "Bearer authorization_uri=\"https://login.microsoftonline.com/\", error=\"invalid_token\", \
         error_description=\"{message}\""
    );
    Refusal::arm(401, code, message).with("www-authenticate", challenge)
}

fn missing() -> Refusal {
    unauthorized(
        "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is missing or is no bearer token.",
    )
}

/// The token's time is over.
pub(crate) fn expired() -> Refusal {
    unauthorized("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.")
}
