//! The identity of a machine or app, asked of the endpoint that Azure puts beside it.
//!
//! azure_identity's own credential reads the process environment and waits more than a minute for an
//! endpoint that is not there; this one takes both from outside, and gives up after seconds.

use std::fmt;
use std::time::Duration;

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use azure_core::time::OffsetDateTime;
use serde::Deserialize;
use url::Url;

use crate::Environment;
use crate::choose::read;
use crate::federated::quiet;

/// Where virtual machines ask.
const IMDS: &str = "http://169.254.169.254";
/// An endpoint that is there answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The endpoint beside this process.
pub(crate) struct Machine {
    url: Url,
    header: Option<String>,
    client: Option<String>,
    http: reqwest::Client,
}

/// The header is a secret.
impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    /// Seconds since 1970, as a number or as text.
    expires_on: serde_json::Value,
}

impl Machine {
    pub(crate) fn new(environment: &Environment, http: reqwest::Client) -> Result<Self, String> {
        let client = read(environment, &["AZURE_CLIENT_ID"]).map(str::to_owned);
        let parse = |text: &str| Url::parse(text).map_err(|error| format!("the endpoint `{text}` is no URL: {error}"));
        let service = (read(environment, &["IDENTITY_ENDPOINT"]), read(environment, &["IDENTITY_HEADER"]));
        if let (Some(endpoint), Some(header)) = service {
            let mut url = parse(endpoint)?;
            url.query_pairs_mut().append_pair("api-version", "2019-08-01");
            return Ok(Self { url, header: Some(header.to_owned()), client, http });
        }
        let host = read(environment, &["AZURE_POD_IDENTITY_AUTHORITY_HOST"]).unwrap_or(IMDS);
        let mut url = parse(&format!("{}/metadata/identity/oauth2/token", host.trim_end_matches('/')))?;
        url.query_pairs_mut().append_pair("api-version", "2018-02-01");
        Ok(Self { url, header: None, client, http })
    }

    async fn ask(&self, resource: &str) -> azure_core::Result<AccessToken> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("resource", resource);
        if let Some(client) = &self.client {
            url.query_pairs_mut().append_pair("client_id", client);
        }
        let request = self.http.get(url).timeout(PATIENCE);
        let request = match &self.header {
            Some(header) => request.header("x-identity-header", header),
            None => request.header("metadata", "true"),
        };
        let answer = request.send().await.map_err(|error| {
            Error::with_message(
                ErrorKind::Connection,
                format!("no managed identity endpoint answers: {}", quiet(error)),
            )
        })?;
        let status = answer.status();
        if !status.is_success() {
            let kind =
                if status.is_server_error() || status.as_u16() == 429 { ErrorKind::Io } else { ErrorKind::Credential };
            let message = format!("the managed identity endpoint answered HTTP {}", status.as_u16());
            return Err(Error::with_message(kind, message));
        }
        let wrong =
            || Error::with_message(ErrorKind::Credential, "the managed identity endpoint's answer holds no token");
        let body = answer.bytes().await.map_err(|_| wrong())?;
        let body: Answer = serde_json::from_slice(&body).map_err(|_| wrong())?;
        let seconds = match &body.expires_on {
            serde_json::Value::String(text) => text.parse::<i64>().ok(),
            other => other.as_i64(),
        };
        let expires_on = seconds.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()).ok_or_else(wrong)?;
        Ok(AccessToken::new(body.access_token, expires_on))
    }
}

#[async_trait::async_trait]
impl TokenCredential for Machine {
    async fn get_token(
        &self,
        scopes: &[&str],
        _options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let scope = scopes.first().copied().unwrap_or_default();
        self.ask(scope.strip_suffix("/.default").unwrap_or(scope)).await
    }
}
