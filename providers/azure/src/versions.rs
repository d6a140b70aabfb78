//! Kubernetes versions as AKS writes them: `1.34` is an alias for its newest patch, `1.34.4` is one.

use std::fmt;

/// A version, with or without its patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) patch: Option<u32>,
}

impl Version {
    /// Reads `1.34`, `1.34.4`, and what AKS puts behind (`1.34.4-aks.1`).
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.split(['-', '+']).next()?;
        let mut parts = text.split('.').map(str::parse::<u32>);
        let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
        let patch = match parts.next() {
            Some(patch) => Some(patch.ok()?),
            None => None,
        };
        parts.next().is_none().then_some(Self { major, minor, patch })
    }

    /// The minor version.
    pub(crate) const fn line(self) -> (u32, u32) {
        (self.major, self.minor)
    }

    /// Whether `running` is what was asked for.
    pub(crate) fn is_met_by(self, running: Self) -> bool {
        self.line() == running.line()
            && (self.patch.is_none() || running.patch.is_none() || self.patch == running.patch)
    }

    /// Whether going from `running` to this one is a step back.
    pub(crate) fn is_before(self, running: Self) -> bool {
        match self.line().cmp(&running.line()) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal => matches!((self.patch, running.patch), (Some(own), Some(other)) if own < other),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.patch {
            Some(patch) => write!(f, ".{patch}"),
            None => Ok(()),
        }
    }
}
