//! ARM over HTTP: one pooled client, bearer tokens, api-versions, paging. It neither retries nor sleeps.

mod answer;
mod bearer;
mod classify;

use std::sync::Arc;
use std::time::Duration;

use azure_core::http::{
    ClientOptions, Context, Method, Pipeline, PipelineSendOptions, Request, RetryOptions, Transport,
};
use kfplan_identity::Identity;
use kfplan_plan::{Class, Trouble};
use serde_json::Value as Json;
use url::Url;

pub(crate) use answer::Answer;
use bearer::Bearer;
pub(crate) use classify::trouble_of_code;

/// How many pages of a list are read before something must be wrong with it.
const MOST_PAGES: usize = 1_000;

/// A client of Azure Resource Manager.
pub struct ArmClient {
    identity: Arc<Identity>,
    pipeline: Pipeline,
    /// Where ARM is, without a slash at the end.
    endpoint: String,
}

impl std::fmt::Debug for ArmClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArmClient").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A condition on what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition<'a> {
    /// None.
    Anything,
    /// Nothing is there.
    Absent,
    /// What is there has this eTag.
    Tag(&'a str),
}

impl ArmClient {
    /// A client that signs in as this identity, to the ARM of its cloud.
    #[must_use]
    pub fn new(identity: Arc<Identity>) -> Self {
        let options = ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::new(identity.http().clone()))),
            ..ClientOptions::default()
        };
        let bearer: Arc<dyn azure_core::http::policies::Policy> = Arc::new(Bearer { identity: identity.clone() });
        let pipeline =
            Pipeline::new(Some("kfplan"), option_env!("CARGO_PKG_VERSION"), options, Vec::new(), vec![bearer], None);
        let endpoint = identity.cloud().endpoint().as_str().trim_end_matches('/').to_owned();
        Self { identity, pipeline, endpoint }
    }

    /// Who is signed in.
    #[must_use]
    pub const fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// The URL of a path with its api-version; `more` is put behind as it is.
    fn url(&self, path: &str, api_version: &str, more: &str) -> Result<Url, Trouble> {
        let mut url = Url::parse(&self.endpoint).map_err(|error| unusable(&self.endpoint, &error.to_string()))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            // Names are put in as they are: a name with a `?` or `#` must not become something else.
            segments.clear().extend(path.trim_start_matches('/').split('/'));
        }
        url.query_pairs_mut().append_pair("api-version", api_version);
        if !more.is_empty() {
            let query = format!("{}&{more}", url.query().unwrap_or_default());
            url.set_query(Some(&query));
        }
        Ok(url)
    }

    pub(crate) async fn get(&self, path: &str, api_version: &str) -> Result<Answer, Trouble> {
        self.send(Method::Get, self.url(path, api_version, "")?, None, Condition::Anything).await
    }

    pub(crate) async fn put(
        &self,
        path: &str,
        api_version: &str,
        body: &Json,
        condition: Condition<'_>,
    ) -> Result<Answer, Trouble> {
        self.send(Method::Put, self.url(path, api_version, "")?, Some(body), condition).await
    }

    pub(crate) async fn delete(
        &self,
        path: &str,
        api_version: &str,
        condition: Condition<'_>,
    ) -> Result<Answer, Trouble> {
        self.send(Method::Delete, self.url(path, api_version, "")?, None, condition).await
    }

    pub(crate) async fn post(&self, path: &str, api_version: &str, more: &str) -> Result<Answer, Trouble> {
        self.send(Method::Post, self.url(path, api_version, more)?, None, Condition::Anything).await
    }

    /// Asks a URL that ARM gave: the status of an operation, or the next page.
    pub(crate) async fn follow(&self, url: &str) -> Result<Answer, Trouble> {
        let url = Url::parse(url).map_err(|error| unusable("a link", &error.to_string()))?;
        if !self.is_ours(&url) {
            return Err(unusable("a link", &format!("it leads to `{}`", url.host_str().unwrap_or_default())));
        }
        self.send(Method::Get, url, None, Condition::Anything).await
    }

    /// Whether a URL leads to this ARM or to one of its regions: no other host ever sees a token.
    fn is_ours(&self, url: &Url) -> bool {
        let own = self.identity.cloud().endpoint();
        let (Some(own_host), Some(host)) = (own.host_str(), url.host_str()) else { return false };
        let same_host = host == own_host || host.strip_suffix(own_host).is_some_and(|rest| rest.ends_with('.'));
        same_host && url.scheme() == own.scheme() && url.port_or_known_default() == own.port_or_known_default()
    }

    /// All entries of a list, whatever number of pages it has.
    ///
    /// # Errors
    ///
    /// The first page that cannot be had.
    pub(crate) async fn list(&self, path: &str, api_version: &str, more: &str) -> Result<Vec<Json>, Trouble> {
        let mut found = Vec::new();
        let mut answer = self.send(Method::Get, self.url(path, api_version, more)?, None, Condition::Anything).await?;
        for _ in 0..MOST_PAGES {
            if !answer.is_success() {
                return Err(answer.trouble(&format!("listing `{path}`")));
            }
            if let Some(Json::Array(values)) = answer.body.get("value") {
                found.extend(values.iter().cloned());
            }
            match answer.body.get("nextLink").and_then(Json::as_str).filter(|link| !link.is_empty()) {
                Some(link) => answer = self.follow(link).await?,
                None => return Ok(found),
            }
        }
        Err(unusable(path, "the list does not end"))
    }

    /// Sends once; with a token that was refused once more, with a fresh one.
    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Option<&Json>,
        condition: Condition<'_>,
    ) -> Result<Answer, Trouble> {
        let answer = self.send_once(method, url.clone(), body, condition).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.identity.refused(&self.identity.cloud().arm_scope()).await;
        self.send_once(method, url, body, condition).await
    }

    async fn send_once(
        &self,
        method: Method,
        url: Url,
        body: Option<&Json>,
        condition: Condition<'_>,
    ) -> Result<Answer, Trouble> {
        // Signing in is a call of its own, with reasons of its own.
        self.identity.arm_token().await.map_err(|error| error.trouble())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut request = Request::new(url, method);
        request.insert_header("accept", "application/json");
        match condition {
            Condition::Anything => {}
            Condition::Absent => request.insert_header("if-none-match", "*"),
            Condition::Tag(tag) => request.insert_header("if-match", tag.to_owned()),
        }
        if let Some(body) = body {
            request.insert_header("content-type", "application/json");
            request.set_body(body.to_string().into_bytes());
        } else if matches!(method, Method::Post) {
            request.insert_header("content-length", "0");
        }
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let sent = self.pipeline.send(&Context::new(), &mut request, Some(options)).await;
        sent.map(|response| Answer::read(&response)).map_err(|error| unreachable(&host, &error))
    }
}

fn unusable(what: &str, reason: &str) -> Trouble {
    Trouble::new(Class::Permanent, "BadUrl", format!("`{what}` cannot be asked: {reason}"), "report this")
}

/// No answer came. Whether the request was carried out is not known: asking again is safe.
fn unreachable(host: &str, error: &azure_core::Error) -> Trouble {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let more = inner.to_string();
        // Inner errors repeat the URL, which may be a signed one.
        if !more.contains("://") {
            reason = format!("{reason}: {more}");
        }
        source = inner.source();
    }
    Trouble::new(
        Class::Retryable,
        "Unreachable",
        format!("no answer from `{host}`: {reason}"),
        "check the network and proxy settings, then try again",
    )
}

/// The time that a header asks to wait.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse::<u64>().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
