//! How bytes reach an API server: HTTP/2 where it is spoken, so that hundreds of calls share one TLS connection.
//!
//! `kube` builds a client of its own that speaks HTTP/1.1 only: one connection, and one TLS handshake, for each call
//! under way. Its layers for addresses and credentials are used as they are.

use std::time::Duration;

use http::Uri;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt as _};
use tower::util::Either;
use tower::{BoxError, ServiceBuilder, ServiceExt as _};

/// How long a TCP connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);
/// How often a connection with calls under way is asked whether it lives, and how long it may take to say so.
const ALIVE: Duration = Duration::from_secs(20);

/// Why there is no client. The message may name a certificate or a plugin, never its content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("has a certificate, key, or plugin that cannot be used")]
    Credential(#[source] kube::Error),
    #[error("names the proxy `{0}`, which is not of the kind `http://HOST:PORT`")]
    Proxy(String),
}

/// A URL as it may be shown: it may hold a password.
fn without_user(url: &Uri) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme_str().unwrap_or_default(), url.host().unwrap_or_default())
}

/// A client for the server that a kubeconfig names.
pub(crate) fn client(config: &kube::Config) -> Result<kube::Client, Unusable> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    let tcp = match &config.proxy_url {
        None => Either::Left(tcp.map_err(BoxError::from)),
        Some(proxy) if proxy.scheme_str() == Some("http") => {
            Either::Right(Tunnel::new(proxy.clone(), tcp).map_err(BoxError::from))
        }
        Some(proxy) => return Err(Unusable::Proxy(without_user(proxy))),
    };
    let tls = config.rustls_client_config().map_err(Unusable::Credential)?;
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions().wrap_connector(tcp);
    let hyper = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .http2_keep_alive_interval(ALIVE)
        .http2_keep_alive_timeout(ALIVE)
        .http2_adaptive_window(true)
        .build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(Unusable::Credential)?)
        .layer(config.extra_headers_layer().map_err(Unusable::Credential)?)
        .map_err(BoxError::from)
        .service(hyper);
    Ok(kube::Client::new(service, config.default_namespace.clone()))
}
