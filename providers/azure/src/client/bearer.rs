//! Puts the token on each request, and only on such as stay secret.

use std::sync::Arc;

use azure_core::error::{Error, ErrorKind};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, Url};
use kfplan_identity::Identity;

/// The SDK's own policy refuses plain http everywhere; this one takes it on loopback, for a simulated cloud.
#[derive(Debug)]
pub(super) struct Bearer {
    pub(super) identity: Arc<Identity>,
}

fn stays_secret(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || is_loopback
}

#[async_trait::async_trait]
impl Policy for Bearer {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let refuse = |message: String| Error::with_message(ErrorKind::Credential, message);
        if !stays_secret(request.url()) {
            return Err(refuse("a token is never sent over plain http to another machine".to_owned()));
        }
        let token = self.identity.arm_token().await.map_err(|error| refuse(error.to_string()))?;
        request.insert_header("authorization", format!("Bearer {}", token.secret()));
        match next.split_first() {
            Some((first, rest)) => first.send(ctx, request, rest).await,
            None => Err(refuse("the pipeline has no transport".to_owned())),
        }
    }
}
