//! What kfplan sent, as the server's audit log tells it.

use std::path::Path;

use serde_json::Value as Json;

/// Calls of one audit log that would change something, counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Writes {
    /// Those that took effect.
    pub(crate) accepted: usize,
    /// Those that the server refused, each with its path and answer.
    pub(crate) refused: Vec<String>,
    /// Dry runs, whatever came of them.
    pub(crate) dry_runs: usize,
    /// Canaries of webhooks that take no dry run, and what takes them away.
    pub(crate) canaries: usize,
}

/// What the user `name`, or a field manager of kfplan, sent.
pub(crate) fn writes(folder: &Path, name: Option<&str>) -> Writes {
    let log = std::fs::read_to_string(folder.join("audit.log")).expect("the audit log");
    let mut writes = Writes::default();
    for line in log.lines() {
        let event: Json = serde_json::from_str(line).unwrap_or_default();
        let uri = event["requestURI"].as_str().unwrap_or_default();
        let is_ours = match name {
            Some(name) => event["user"]["username"].as_str().is_some_and(|user| user.ends_with(name)),
            None => uri.contains("fieldManager=kfplan"),
        };
        let changes =
            matches!(event["verb"].as_str(), Some("create" | "update" | "patch" | "delete" | "deletecollection"));
        if event["stage"] != "ResponseComplete" || !is_ours || !changes {
            continue;
        }
        let status = event["responseStatus"]["code"].as_u64().unwrap_or_default();
        if uri.contains("dryRun=All") {
            writes.dry_runs += 1;
        } else if uri.contains("kfplan-probe") {
            writes.canaries += 1;
        } else if status < 300 {
            writes.accepted += 1;
        } else {
            writes.refused.push(format!("{status} {uri}"));
        }
    }
    writes
}
