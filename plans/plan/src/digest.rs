//! Digests: plain ones for what is public, keyed ones for what may be secret.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use model::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use kfplan_model as model;

/// A SHA-256, as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(String);

impl Digest {
    /// The digest of bytes that anybody may see.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// The digest of a JSON value; equal values have equal digests, whatever their key order was.
    #[must_use]
    pub fn of_json(value: &Json) -> Self {
        Self::of(value.to_string().as_bytes())
    }

    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secret of one state: hashes of secrets are keyed by it, plans are
/// authenticated by it. It is created with the state and never leaves its folder.
#[derive(Clone)]
pub struct StackKey([u8; 32]);

/// Never shows the key.
impl fmt::Debug for StackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StackKey(…)")
    }
}

impl StackKey {
    /// The key of these bytes, which must come from a cryptographic random source.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for whoever stores the key beside the state.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.0
    }

    /// The keyed digest of `bytes` under a purpose, so that a digest made for one thing proves nothing about another.
    #[must_use]
    pub fn digest(&self, purpose: &str, bytes: &[u8]) -> Digest {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(bytes);
        Digest(hex(&mac.finalize().into_bytes()))
    }

    /// Replaces the values at `sensitive` paths (and all below them) by their keyed hash.
    #[must_use]
    pub fn seal(&self, mut body: Json, sensitive: &[Path]) -> Sealed {
        for path in sensitive {
            if let Some(value) = path.get_mut(&mut body) {
                self.seal_leaves(value);
            }
        }
        Sealed(body)
    }

    fn seal_leaves(&self, value: &mut Json) {
        match value {
            Json::Object(map) if !is_seal(map) => map.values_mut().for_each(|value| self.seal_leaves(value)),
            Json::Array(list) => list.iter_mut().for_each(|value| self.seal_leaves(value)),
            Json::Object(_) | Json::Null => {}
            leaf => *leaf = self.sealed_leaf(leaf),
        }
    }

    /// What stands in a sealed body for the secret `leaf`.
    #[must_use]
    pub fn sealed_leaf(&self, leaf: &Json) -> Json {
        serde_json::json!({ SEAL: self.digest("secret", leaf.to_string().as_bytes()).0 })
    }
}

const SEAL: &str = "kfplan.sealed";

fn is_seal(map: &serde_json::Map<String, Json>) -> bool {
    map.len() == 1 && map.contains_key(SEAL)
}

/// A body in which every secret is a keyed hash: it may be stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sealed(Json);

impl Sealed {
    /// A body that has no secret in it.
    #[must_use]
    pub const fn public(body: Json) -> Self {
        Self(body)
    }

    /// The body, secrets as `{"kfplan.sealed": HASH}`.
    #[must_use]
    pub const fn body(&self) -> &Json {
        &self.0
    }

    /// Whether `value`, found inside a sealed body, stands for a secret.
    #[must_use]
    pub fn is_sealed(value: &Json) -> bool {
        matches!(value, Json::Object(map) if is_seal(map))
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
