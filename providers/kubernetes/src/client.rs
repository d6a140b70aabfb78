//! One request and its answer, raw.

use std::time::Duration;

use http::{Method, Request};
use http_body_util::BodyExt as _;
use kfplan_model::ResourceAddress;
use kfplan_plan::Trouble;
use kube::client::Body;
use serde_json::Value as Json;
use tokio::time::timeout;

use crate::access::Connections;
use crate::trouble;

/// The largest answer that is read, in bytes.
const LARGEST: usize = 512 << 20;

/// How long a server may be silent: until it begins its answer, and within it.
const SILENCE: Duration = Duration::from_secs(60);

/// What to ask.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) body: Option<(&'static str, Vec<u8>)>,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Json,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), accept: "application/json", body: None }
    }

    /// Server-side apply.
    pub(crate) fn apply(path: String, body: &Json) -> Self {
        Self {
            method: Method::PATCH,
            path,
            accept: "application/json",
            body: Some(("application/apply-patch+yaml", body.to_string().into_bytes())),
        }
    }

    /// A JSON Patch.
    pub(crate) fn patch(path: String, operations: &Json) -> Self {
        Self {
            method: Method::PATCH,
            path,
            accept: "application/json",
            body: Some(("application/json-patch+json", operations.to_string().into_bytes())),
        }
    }

    /// A create, as dry runs of trial objects are.
    pub(crate) fn create(path: String, body: &Json) -> Self {
        Self {
            method: Method::POST,
            path,
            accept: "application/json",
            body: Some(("application/json", body.to_string().into_bytes())),
        }
    }

    pub(crate) fn delete(path: String, options: &Json) -> Self {
        Self {
            method: Method::DELETE,
            path,
            accept: "application/json",
            body: Some(("application/json", options.to_string().into_bytes())),
        }
    }

    fn request(&self) -> Result<Request<Body>, http::Error> {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path).header("accept", self.accept);
        if let Some((kind, _)) = &self.body {
            request = request.header("content-type", *kind);
        }
        request.body(Body::from(self.body.as_ref().map(|(_, bytes)| bytes.clone()).unwrap_or_default()))
    }
}

/// The whole of an answer, as long as it keeps coming.
async fn read(cluster: &ResourceAddress, body: Body) -> Result<Vec<u8>, Trouble> {
    let mut body = http_body_util::Limited::new(body, LARGEST);
    let mut bytes = Vec::new();
    loop {
        let frame = timeout(SILENCE, body.frame()).await.map_err(|_| trouble::silent(cluster, SILENCE))?;
        match frame {
            None => return Ok(bytes),
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data.as_ref())),
            Some(Err(error)) => return Err(trouble::cut_off(cluster, &*error)),
        }
    }
}

impl Connections {
    /// Asks a cluster. After a 401 the connection is made anew, once: tokens expire.
    pub(crate) async fn ask(&self, cluster: &ResourceAddress, ask: &Ask) -> Result<Answer, Trouble> {
        let answer = self.ask_once(cluster, ask).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.forget(cluster).await;
        self.ask_once(cluster, ask).await
    }

    async fn ask_once(&self, cluster: &ResourceAddress, ask: &Ask) -> Result<Answer, Trouble> {
        let connection = self.get(cluster).await?;
        let request = ask.request().map_err(|_| trouble::malformed(&ask.path))?;
        let answer = timeout(SILENCE, connection.client.send(request))
            .await
            .map_err(|_| trouble::silent(cluster, SILENCE))?
            .map_err(|error| trouble::unreachable(cluster, &error))?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = read(cluster, answer.into_body()).await?;
        let body = match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(_) if status >= 400 => Json::Null,
            Err(_) => return Err(trouble::garbled(cluster)),
        };
        Ok(Answer { status, retry_after, body })
    }
}
