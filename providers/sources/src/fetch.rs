//! Downloads an archive.

use url::Url;

use crate::error::SourceError;

/// How many redirects are followed.
const REDIRECTS: usize = 5;
/// The largest archive that is downloaded, in bytes.
const LARGEST: u64 = 256 << 20;

/// Downloads the archive at `url` with `client`, which must not follow redirects by itself.
///
/// # Errors
///
/// [`SourceError::Url`] for a scheme other than https (http only to this machine), a redirect to another
/// scheme, an answer other than 200, or a body over 256 MiB.
pub async fn fetch(client: &reqwest::Client, url: &str) -> Result<Vec<u8>, SourceError> {
    let mut url = Url::parse(url).map_err(|error| refused(url, error.to_string()))?;
    for _ in 0..=REDIRECTS {
        let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && local) {
            return Err(refused(url.as_str(), "only https is fetched from".to_owned()));
        }
        let answer = client.get(url.clone()).send().await.map_err(|error| refused(url.as_str(), plain(&error)))?;
        if answer.status().is_redirection() {
            let to = answer.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let next = url
                .join(to)
                .map_err(|error| refused(url.as_str(), format!("it redirects to an invalid address: {error}")))?;
            if next.scheme() != url.scheme() {
                return Err(refused(url.as_str(), format!("it redirects to another scheme, `{}`", next.scheme())));
            }
            url = next;
            continue;
        }
        if !answer.status().is_success() {
            return Err(refused(url.as_str(), format!("the server answered {}", answer.status())));
        }
        return body(&url, answer).await;
    }
    Err(refused(url.as_str(), format!("more than {REDIRECTS} redirects")))
}

async fn body(url: &Url, mut answer: reqwest::Response) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| refused(url.as_str(), plain(&error)))? {
        if bytes.len() as u64 + chunk.len() as u64 > LARGEST {
            return Err(SourceError::TooLarge { limit: LARGEST, unit: "bytes" });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The innermost reason: the outer ones only repeat the URL.
fn plain(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    inner.to_string()
}

/// Leaves out the query and the user part, which may hold a token.
fn refused(url: &str, reason: String) -> SourceError {
    let url = Url::parse(url).map_or_else(
        |_| url.split(['?', '@']).next_back().unwrap_or_default().to_owned(),
        |mut url| {
            url.set_query(None);
            // Fails only for URLs that have no host, and then there is no user part.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        },
    );
    SourceError::Url { url, reason }
}
