//! Assertions that pipelines give for a federated credential. Each token is asked for with a fresh one.

use std::fmt;

use azure_core::error::{Error, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use serde::Deserialize;
use url::Url;

/// What an assertion is for.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The version of the Azure Pipelines OIDC API.
const PIPELINES_VERSION: &str = "7.1";

/// Asks a runner for an assertion.
pub(crate) struct Runner {
    url: Url,
    bearer: String,
    post: bool,
    http: reqwest::Client,
}

/// The bearer is a secret, and the URL may hold one.
impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "oidcToken")]
    value: String,
}

impl Runner {
    /// A GitHub Actions job with `id-token: write`.
    pub(crate) fn github(url: &str, bearer: &str, http: reqwest::Client) -> Result<Self, String> {
        let mut url = Url::parse(url).map_err(|error| format!("ACTIONS_ID_TOKEN_REQUEST_URL is no URL: {error}"))?;
        url.query_pairs_mut().append_pair("audience", AUDIENCE);
        Ok(Self { url, bearer: bearer.to_owned(), post: false, http })
    }

    /// An Azure Pipelines job with a service connection.
    pub(crate) fn pipelines(url: &str, bearer: &str, connection: &str, http: reqwest::Client) -> Result<Self, String> {
        let mut url = Url::parse(url).map_err(|error| format!("SYSTEM_OIDCREQUESTURI is no URL: {error}"))?;
        url.query_pairs_mut()
            .append_pair("api-version", PIPELINES_VERSION)
            .append_pair("serviceConnectionId", connection);
        Ok(Self { url, bearer: bearer.to_owned(), post: true, http })
    }
}

#[async_trait::async_trait]
impl ClientAssertion for Runner {
    async fn secret(&self, _options: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let request = if self.post {
            // Without this header a wrong token is answered with a redirect to a login page.
            let request = self.http.post(self.url.clone()).header("x-tfs-fedauthredirect", "Suppress");
            request.header("content-length", "0")
        } else {
            self.http.get(self.url.clone())
        };
        let sent = request.bearer_auth(&self.bearer).header("accept", "application/json").send().await;
        // The error of reqwest names the URL: it is left out.
        let answer = sent.map_err(|error| Error::with_message(ErrorKind::Connection, quiet(error)))?;
        let status = answer.status();
        if !status.is_success() {
            let message = format!("the runner refused an OIDC token with HTTP {}", status.as_u16());
            return Err(Error::with_message(ErrorKind::Credential, message));
        }
        let wrong = || Error::with_message(ErrorKind::Credential, "the runner's answer holds no OIDC token");
        let body = answer.bytes().await.map_err(|_| wrong())?;
        let body: Answer = serde_json::from_slice(&body).map_err(|_| wrong())?;
        Ok(body.value)
    }
}

/// What went wrong with a request, without its URL.
pub(crate) fn quiet(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
