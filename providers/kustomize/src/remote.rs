//! Addresses of bases and files that lie somewhere else.

use std::fmt;

/// A file, or a repository at a reference, somewhere else.
///
/// Which of the two an address means, kustomize finds out by asking for it. Here it must
/// follow from the address alone, so that a render needs no network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remote {
    /// A file.
    File {
        /// Its address.
        url: String,
    },
    /// A folder of a repository.
    Repository {
        /// The address of the repository, as `https://github.com/org/repo`.
        url: String,
        /// The branch, tag or commit; empty for the default branch.
        reference: String,
    },
}

impl Remote {
    /// Reads what an entry of `resources` or `components` names; with it the folder within
    /// the repository. `None` for what lies among the files.
    #[must_use]
    pub fn parse(entry: &str) -> Option<(Self, String)> {
        if !is_remote(entry) {
            return None;
        }
        let (address, query) = entry.split_once('?').unwrap_or((entry, ""));
        if query.is_empty() && is_file(address) {
            return Some((Self::File { url: entry.to_owned() }, String::new()));
        }
        let (host, path) = split_host(strip_prefix(address, "git::").unwrap_or(address));
        let (repository, folder) = split_repository(path);
        let reference = ["ref", "version"]
            .iter()
            .find_map(|key| query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| name == key));
        let url = format!("{host}{}", repository.trim_end_matches(".git").trim_end_matches('/'));
        let reference = reference.map(|(_, value)| value.to_owned()).unwrap_or_default();
        Some((Self::Repository { url, reference }, folder.trim_matches('/').to_owned()))
    }

    /// The name under which it is pinned.
    #[must_use]
    pub fn name(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { url } => f.write_str(url),
            Self::Repository { url, reference } if reference.is_empty() => f.write_str(url),
            Self::Repository { url, reference } => write!(f, "{url}?ref={reference}"),
        }
    }
}

/// Whether an entry names something that would have to be fetched.
pub(crate) fn is_remote(entry: &str) -> bool {
    let lower = entry.to_ascii_lowercase();
    ["http://", "https://", "ssh://", "git::", "gh:", "git@", "github.com/", "github.com:"]
        .iter()
        .any(|prefix| lower.starts_with(prefix))
        || lower.contains("?ref=")
        || lower.contains("_git/")
}

fn is_file(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    let has_scheme = lower.starts_with("https://") || lower.starts_with("http://");
    let is_text = [".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending));
    let is_served = lower.contains("/releases/download/") || lower.starts_with("https://raw.githubusercontent.com/");
    has_scheme && (is_text || is_served)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix))?;
    text.get(prefix.len()..)
}

/// The part up to the path, and the path. What means GitHub gives one and the same host.
fn split_host(address: &str) -> (String, &str) {
    const GITHUB: &str = "https://github.com/";
    for prefix in
        [GITHUB, "http://github.com/", "github.com/", "github.com:", "git@github.com:", "gh:", "ssh://git@github.com/"]
    {
        if let Some(path) = strip_prefix(address, prefix) {
            return (GITHUB.to_owned(), path);
        }
    }
    let start = address.find("://").map_or(0, |place| place + 3);
    let rest = address.get(start..).unwrap_or_default();
    let end = rest.find('/').map_or(address.len(), |place| start + place + 1);
    (address.get(..end).unwrap_or_default().to_owned(), address.get(end..).unwrap_or_default())
}

/// The repository and the folder in it: parted by `//`, after `.git` or the folder after
/// `_git/`, or after two parts.
fn split_repository(path: &str) -> (&str, &str) {
    let at = |place: usize| (path.get(..place).unwrap_or_default(), path.get(place..).unwrap_or_default());
    if let Some(place) = path.find("_git/") {
        let after = place + "_git/".len();
        let end = path.get(after..).and_then(|rest| rest.find('/')).map_or(path.len(), |slash| after + slash);
        return at(end);
    }
    if let Some((repository, folder)) = path.split_once("//") {
        return (repository, folder);
    }
    if let Some(place) = path.find(".git/").map(|place| place + ".git".len()) {
        return at(place);
    }
    let second = path.match_indices('/').nth(1).map_or(path.len(), |(place, _)| place);
    at(second)
}
