//! Signing in, and tokens.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::{AsyncRawResponse, ClientOptions, HttpClient, Request, RetryOptions, StatusCode, Transport};
use azure_core::time::{Duration as Span, OffsetDateTime};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use base64::Engine as _;
use tokio::sync::Mutex;
use url::Url;

use crate::Environment;
use crate::choose::{Choice, Method, choose, read};
use crate::cloud::{Cloud, is_loopback};
use crate::error::IdentityError;
use crate::federated::Runner;
use crate::machine::Machine;
use crate::process::{self, is_on_path};

/// A token is asked for again when it has less than this to live.
const SPARE: Span = Span::minutes(5);

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// `auto`, or a credential by name.
    pub credential: String,
    /// The tenant, if the stack states one.
    pub tenant: Option<String>,
    /// Which Azure.
    pub cloud: Cloud,
}

/// A bearer token. Neither `Debug` nor anything else shows it.
#[derive(Clone)]
pub struct Token {
    secret: String,
    expires: i64,
}

impl Token {
    /// The token itself: for a header, never for the person.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// When it ends, in seconds since 1970.
    #[must_use]
    pub const fn expires(&self) -> i64 {
        self.expires
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Who is signed in, as the token says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Principal {
    /// The tenant.
    pub tenant: Option<String>,
    /// The object id.
    pub object: Option<String>,
    /// A name for the person: user name, or client id.
    pub name: Option<String>,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().or(self.object.as_deref()).unwrap_or("somebody");
        match &self.tenant {
            Some(tenant) => write!(f, "{name} in tenant {tenant}"),
            None => f.write_str(name),
        }
    }
}

/// Somebody who can get tokens.
pub struct Identity {
    cloud: Cloud,
    choice: Choice,
    credential: Arc<dyn TokenCredential>,
    http: reqwest::Client,
    /// Tokens by scope: several credentials keep none themselves. One lock, so that many who ask at once make one request.
    tokens: Mutex<BTreeMap<String, Token>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("choice", &self.choice).finish_non_exhaustive()
    }
}

impl Identity {
    /// Chooses the credential and makes it ready. Asks nobody yet.
    ///
    /// A process-wide TLS provider must have been installed.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] when the credential is unknown, is not set up, or cannot be made.
    pub fn open(sign_in: &SignIn, environment: &Environment) -> Result<Self, IdentityError> {
        let is_program = |program: &str| is_on_path(environment, program);
        let choice = choose(&sign_in.credential, sign_in.tenant.as_deref(), environment, is_program)?;
        let method = choice.method.name();
        let unusable = |reason: String| IdentityError::Unusable { method, reason };
        let http = client(&sign_in.cloud).map_err(unusable)?;
        let credential = Maker { choice: &choice, environment, cloud: &sign_in.cloud, http: &http }.make();
        Ok(Self {
            cloud: sign_in.cloud.clone(),
            credential: credential.map_err(unusable)?,
            choice,
            http,
            tokens: Mutex::default(),
        })
    }

    /// Which credential was taken.
    #[must_use]
    pub const fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Which Azure.
    #[must_use]
    pub const fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// The pooled HTTP client that trusts this cloud.
    #[must_use]
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A token for a scope; kept until shortly before it ends.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Refused`] when the token service refuses, [`IdentityError::Unreachable`] when asking again may help.
    pub async fn token(&self, scope: &str) -> Result<Token, IdentityError> {
        let mut tokens = self.tokens.lock().await;
        let soon = (OffsetDateTime::now_utc() + SPARE).unix_timestamp();
        if let Some(token) = tokens.get(scope).filter(|token| token.expires > soon) {
            return Ok(token.clone());
        }
        let AccessToken { token, expires_on } =
            self.credential.get_token(&[scope], None).await.map_err(|error| self.failed(&error))?;
        let token = Token { secret: token.secret().to_owned(), expires: expires_on.unix_timestamp() };
        tokens.insert(scope.to_owned(), token.clone());
        Ok(token)
    }

    /// Drops the kept token of a scope: the service has refused it.
    pub async fn refused(&self, scope: &str) {
        self.tokens.lock().await.remove(scope);
    }

    /// A token for ARM.
    ///
    /// # Errors
    ///
    /// As [`Identity::token`].
    pub async fn arm_token(&self) -> Result<Token, IdentityError> {
        self.token(&self.cloud.arm_scope()).await
    }

    /// Who is signed in, read from a token for ARM.
    ///
    /// # Errors
    ///
    /// As [`Identity::token`].
    pub async fn principal(&self) -> Result<Principal, IdentityError> {
        Ok(principal_of(self.arm_token().await?.secret()))
    }

    fn failed(&self, error: &Error) -> IdentityError {
        let method = self.choice.method.name();
        let reason = said(error);
        match retryable(error) {
            true => IdentityError::Unreachable { method, reason },
            false => IdentityError::Refused { method, reason },
        }
    }
}

/// The innermost words of an error of the SDK, without its troubleshooting link.
fn said(error: &Error) -> String {
    let text = error.to_string();
    let text = text.split("\nTo troubleshoot").next().unwrap_or_default();
    let text = text.split_once("authentication failed.").map_or(text, |(_, rest)| rest);
    let mut text = text.trim().to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let more = inner.to_string();
        if !more.is_empty() && !text.contains(&more) && !more.contains("authentication failed.") {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

fn retryable(error: &Error) -> bool {
    let by_kind = |kind: &ErrorKind| match kind {
        ErrorKind::Connection | ErrorKind::Io => true,
        ErrorKind::HttpResponse { status, .. } => status.is_server_error() || *status == StatusCode::TooManyRequests,
        _ => false,
    };
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.downcast_ref::<Error>().is_some_and(|inner| by_kind(inner.kind())) {
            return true;
        }
        source = inner.source();
    }
    by_kind(error.kind())
}

/// What the claims of a token say; nothing for what is no JWT.
fn principal_of(token: &str) -> Principal {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let bytes =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).unwrap_or_default();
    let claims: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |names: &[&str]| names.iter().find_map(|name| claims.get(*name)?.as_str().map(str::to_owned));
    Principal {
        tenant: text(&["tid"]),
        object: text(&["oid"]),
        name: text(&["upn", "preferred_username", "unique_name", "email", "app_displayname", "appid", "azp"]),
    }
}

fn client(cloud: &Cloud) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(20))
        .read_timeout(Duration::from_secs(60))
        .redirect(reqwest::redirect::Policy::none());
    if let Some(pem) = cloud.ca_pem() {
        let certificate = reqwest::Certificate::from_pem(pem.as_bytes())
            .map_err(|error| format!("the CA is no PEM certificate: {error}"))?;
        builder = builder.tls_certs_only([certificate]);
    }
    if is_loopback(cloud.endpoint()) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| error.to_string())
}

/// Everything that a credential is made from.
struct Maker<'a> {
    choice: &'a Choice,
    environment: &'a Environment,
    cloud: &'a Cloud,
    http: &'a reqwest::Client,
}

impl Maker<'_> {
    fn make(&self) -> Result<Arc<dyn TokenCredential>, String> {
        let wrong = |error: Error| said(&error);
        let (tenant, client) =
            (self.choice.tenant.clone().unwrap_or_default(), self.choice.client.clone().unwrap_or_default());
        Ok(match self.choice.method {
            Method::ClientSecret => {
                let secret = Secret::new(self.variable("AZURE_CLIENT_SECRET"));
                let options = ClientSecretCredentialOptions { client_options: self.options() };
                ClientSecretCredential::new(&tenant, client, secret, Some(options)).map_err(wrong)?
            }
            Method::WorkloadIdentity => {
                let options = WorkloadIdentityCredentialOptions {
                    credential_options: self.assertion_options(),
                    client_id: Some(client),
                    tenant_id: Some(tenant),
                    token_file_path: Some(self.variable("AZURE_FEDERATED_TOKEN_FILE").into()),
                };
                WorkloadIdentityCredential::new(Some(options)).map_err(wrong)?
            }
            Method::GithubOidc => {
                let url = self.variable("ACTIONS_ID_TOKEN_REQUEST_URL");
                let bearer = self.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
                let runner = Runner::github(&url, &bearer, self.http.clone())?;
                ClientAssertionCredential::new(tenant, client, runner, Some(self.assertion_options())).map_err(wrong)?
            }
            Method::AzurePipelines => {
                let (url, bearer) = (self.variable("SYSTEM_OIDCREQUESTURI"), self.variable("SYSTEM_ACCESSTOKEN"));
                let connection = self.variable("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID");
                let runner = Runner::pipelines(&url, &bearer, &connection, self.http.clone())?;
                ClientAssertionCredential::new(tenant, client, runner, Some(self.assertion_options())).map_err(wrong)?
            }
            Method::ManagedIdentity => Arc::new(Machine::new(self.environment, self.http.clone())?),
            Method::Cli => {
                let executor = Arc::new(process::Runner { environment: self.environment.clone() });
                let tenant_id = self.choice.tenant.clone();
                let options = AzureCliCredentialOptions { tenant_id, executor: Some(executor), ..Default::default() };
                AzureCliCredential::new(Some(options)).map_err(wrong)?
            }
        })
    }

    fn variable(&self, name: &str) -> String {
        read(self.environment, &[name]).unwrap_or_default().to_owned()
    }

    fn assertion_options(&self) -> ClientAssertionCredentialOptions {
        ClientAssertionCredentialOptions { client_options: self.options() }
    }

    /// The SDK neither retries nor chooses its own transport.
    fn options(&self) -> ClientOptions {
        let transport: Arc<dyn HttpClient> = match self.cloud.authority().scheme() {
            "http" => Arc::new(Loopback { authority: self.cloud.authority().clone(), http: self.http.clone() }),
            _ => Arc::new(self.http.clone()),
        };
        ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(Transport::new(transport)),
            cloud: Some(self.cloud.configuration()),
            ..ClientOptions::default()
        }
    }
}

/// Sends what is for a token service on this machine over plain http: the SDK insists on writing https.
#[derive(Debug)]
struct Loopback {
    authority: Url,
    http: reqwest::Client,
}

#[async_trait::async_trait]
impl HttpClient for Loopback {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut request = request.clone();
        let url = request.url_mut();
        if url.host() == self.authority.host() && url.port() == self.authority.port() {
            // Cannot fail: both schemes are ones that have a host.
            let _ = url.set_scheme("http");
        }
        self.http.execute_request(&request).await
    }
}
