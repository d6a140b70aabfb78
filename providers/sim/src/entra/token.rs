//! Tokens in the form of a JWT: made, and checked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::arm::dice::{digest, url64};

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// For whom it is.
    pub(crate) audience: String,
    /// Who gave it.
    pub(crate) issuer: String,
    /// Whom it names.
    pub(crate) subject: String,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// It is none of this world.
    Invalid,
    /// Its time is over.
    Expired,
}

/// Makes a token of claims.
pub(super) fn mint(secret: &[u8; 32], claims: &Value) -> String {
    let header = url64(br#"{"typ":"JWT","alg":"RS256","kid":"sandbox"}"#);
    let text = format!("{header}.{}", url64(claims.to_string().as_bytes()));
    let proof = digest(&[secret, text.as_bytes()]);
    format!("{text}.{}", url64(&proof))
}

/// Reads a token of this world that still lives.
pub(crate) fn check(realm: &super::Realm<'_>, token: &str) -> Result<Claims, TokenError> {
    let (text, proof) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
    if url64(&digest(&[&realm.secret, text.as_bytes()])) != proof {
        return Err(TokenError::Invalid);
    }
    let (_, claims) = text.split_once('.').ok_or(TokenError::Invalid)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| TokenError::Invalid)?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| TokenError::Invalid)?;
    let text = |key: &str| claims.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    if claims.get("exp").and_then(Value::as_u64).is_none_or(|ends| ends <= realm.now / 1_000) {
        return Err(TokenError::Expired);
    }
    Ok(Claims { audience: text("aud"), issuer: text("iss"), subject: text("sub") })
}
