//! Requests and answers as both faces see them.

use serde_json::Value;

/// Which part of the cloud was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Face {
    /// Azure Resource Manager and the token service beside it.
    #[default]
    Azure,
    /// The Kubernetes API of the cluster with this uid.
    Cluster(String),
}

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Which face it reached.
    pub face: Face,
    /// Upper-case method.
    pub method: String,
    /// Scheme and authority under which the client reached the world: links begin with it.
    pub base: String,
    /// The path as sent, still percent-encoded.
    pub path: String,
    /// The query as sent, without the question mark.
    pub query: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The client certificate (DER) that the transport has verified.
    pub certificate: Option<Vec<u8>>,
    /// Whom the directory's token names, on the way to a cluster: the world has verified it.
    pub subject: Option<String>,
}

impl Request {
    /// A request to Azure by absolute URL or by path, without headers and body.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Request {
        let (base, rest) = match url.find("://").map(|at| at + 3) {
            Some(start) => match url.get(start..).and_then(|tail| tail.find('/')) {
                Some(slash) => url.split_at(start + slash),
                None => (url, "/"),
            },
            None => ("https://management.azure.com", url),
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Request {
            method: method.to_owned(),
            base: base.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            ..Request::default()
        }
    }

    /// A request to a cluster's Kubernetes API.
    #[must_use]
    pub fn to_cluster(cluster: &str, method: &str, url: &str) -> Request {
        Request { face: Face::Cluster(cluster.to_owned()), ..Request::new(method, url) }
    }

    /// The same request with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// The same request with a JSON body.
    #[must_use]
    pub fn with_json(mut self, body: &Value) -> Request {
        self.body = body.to_string().into_bytes();
        self.with("content-type", "application/json")
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value of a query parameter, decoded; names are compared without case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        pairs(&self.query).into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All query parameters, decoded, in order.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, String)> {
        pairs(&self.query)
    }

    /// The body as a form.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }
}

/// Decodes `a=b&c=d`.
fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// What the world answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, empty where there is none.
    pub body: Vec<u8>,
    /// The rest of the body comes as things happen: ask [`crate::World::watch`] with this.
    pub watch: Option<WatchTicket>,
    /// What the transport must do to this answer on its way.
    pub mishap: Option<Mishap>,
}

/// A running watch; the world keeps nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchTicket {
    pub(crate) cluster: String,
    pub(crate) cursor: crate::kube::WatchCursor,
}

/// What befalls an answer on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mishap {
    /// The connection is reset before anything is answered.
    Reset,
    /// Only so many bytes of the body arrive, then the connection is reset.
    Truncated(usize),
    /// The answer comes so many milliseconds late.
    Delayed(u64),
}

impl Response {
    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Response {
        Response { status, ..Response::default() }
    }

    /// An answer with compact JSON.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Response {
        Response::bytes(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
    }

    /// An answer with any body.
    #[must_use]
    pub fn bytes(status: u16, kind: &str, body: Vec<u8>) -> Response {
        Response { status, headers: vec![("content-type".into(), kind.into())], body, watch: None, mishap: None }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Response {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is empty or no JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}
