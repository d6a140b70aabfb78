//! One TLS stack with one provider: rustls on ring.

use std::sync::Once;

use crate::error::{Failure, SessionError};

static PROVIDER: Once = Once::new();

/// Installs the process-wide provider. Must come before the first connection of any library.
pub(crate) fn install() {
    PROVIDER.call_once(|| {
        // Fails only when a provider is installed already, and then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A client that follows no redirects and, given `ca`, trusts that certificate too.
pub(crate) fn client(ca: Option<&str>) -> Result<reqwest::Client, SessionError> {
    install();
    let wrong = |error: reqwest::Error| {
        Failure::new("tls", format!("cannot set up TLS: {error}"), "check the system's certificates")
    };
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(std::time::Duration::from_secs(20))
        .user_agent(concat!("kfplan/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = ca {
        builder = builder.add_root_certificate(reqwest::Certificate::from_pem(pem.as_bytes()).map_err(wrong)?);
    }
    Ok(builder.build().map_err(wrong)?)
}
