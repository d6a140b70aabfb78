//! `kfplan.lock`: which files of each repo a stack was reviewed with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::SourceError;

/// The version of the lock file's shape.
const FORMAT: u32 = 1;

/// The whole lock file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    /// By repo name.
    pub repos: BTreeMap<String, Locked>,
    /// What kustomizations name elsewhere, by its address.
    pub remotes: BTreeMap<String, Locked>,
}

/// What is pinned of one repo, or of something else that was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The URL or path that it was taken from, for people.
    pub source: String,
    /// Digest of the files that the renderer read: [`crate::digest`].
    pub files: String,
    /// SHA-256 of the archive as it was downloaded, so that a changed archive with the same files is told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    repos: BTreeMap<String, Locked>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    remotes: BTreeMap<String, Locked>,
}

impl Lock {
    /// Reads the text of `kfplan.lock`.
    ///
    /// # Errors
    ///
    /// [`SourceError::Lock`] when it is malformed or of another version.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let file: File =
            toml::from_str(text).map_err(|error| SourceError::Lock { reason: error.message().to_owned() })?;
        if file.version != FORMAT {
            return Err(SourceError::Lock {
                reason: format!("it has version {}, and this kfplan reads version {FORMAT}", file.version),
            });
        }
        Ok(Self { repos: file.repos, remotes: file.remotes })
    }

    /// The text of `kfplan.lock`. Equal locks have equal texts.
    #[must_use]
    pub fn to_text(&self) -> String {
        let file = File { version: FORMAT, repos: self.repos.clone(), remotes: self.remotes.clone() };
        let body = toml::to_string(&file).expect("a lock has only tables of strings");
        format!(
            "# Written by `kfplan vendor`. Pins the files that are rendered; commit it with the stack file.\n{body}"
        )
    }
}
