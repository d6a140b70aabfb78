//! What is asked: the parts of a request to the API of a kind.

use std::sync::Arc;

use super::access::User;
use crate::kube::Settings;
use crate::kube::kinds::{Resource, Version};
use crate::kube::status::{Outcome, Refusal};
use crate::wire::Request;

/// A path to a kind, an object, or a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) resource: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// Whether it goes through the old `/watch/` prefix.
    pub(crate) watch: bool,
}

impl Path {
    /// Reads the segments of a path; none where it leads elsewhere.
    pub(crate) fn parse(parts: &[&str]) -> Option<Path> {
        let (group, version, rest) = match parts {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
            _ => return None,
        };
        let (watch, rest) = match rest {
            ["watch", rest @ ..] if !rest.is_empty() => (true, rest),
            rest => (false, rest),
        };
        let mut path = Path { group: group.into(), version: version.into(), watch, ..Path::default() };
        let rest = match rest {
            // A namespace is an object too, with parts of its own.
            ["namespaces", name, sub @ ("status" | "finalize")] if group.is_empty() => {
                path.resource = "namespaces".into();
                path.name = (*name).into();
                path.subresource = (*sub).into();
                return Some(path);
            }
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => {
                path.namespace = (*namespace).into();
                rest
            }
            rest => rest,
        };
        match rest {
            [resource] => path.resource = (*resource).into(),
            [resource, name] => {
                path.resource = (*resource).into();
                path.name = (*name).into();
            }
            [resource, name, subresource, ..] => {
                path.resource = (*resource).into();
                path.name = (*name).into();
                path.subresource = (*subresource).into();
            }
            [] => return None,
        }
        Some(path)
    }
}

/// The segments of a path, decoded.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = (byte == b'%')
            .then(|| text.get(at + 1..at + 3).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .flatten();
        out.push(hex.unwrap_or(byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// How unknown and duplicate fields are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validation {
    Strict,
    Warn,
    Ignore,
}

/// A request to the API of a kind.
pub(crate) struct Call<'a> {
    pub(crate) now: u64,
    pub(crate) settings: &'a Settings,
    /// The minor version of the cluster.
    pub(crate) minor: u32,
    pub(crate) request: &'a Request,
    pub(crate) path: Path,
    pub(crate) resource: Arc<Resource>,
    pub(crate) user: User,
    pub(crate) verb: &'static str,
    pub(crate) dry_run: bool,
    pub(crate) validation: Validation,
    query: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        (now, settings, minor): (u64, &'a Settings, u32),
        request: &'a Request,
        path: Path,
        resource: Arc<Resource>,
        user: User,
    ) -> Outcome<Call<'a>> {
        let query = request.parameters();
        let flag = |name: &str| query.iter().any(|(key, value)| key == name && matches!(value.as_str(), "true" | "1"));
        let named = !path.name.is_empty();
        let verb = match (request.method.as_str(), named) {
            ("GET", _) if path.watch || (flag("watch") && !named) => "watch",
            ("GET" | "HEAD", true) => "get",
            ("GET" | "HEAD", false) => "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) => "deletecollection",
            _ => return Err(Refusal::method_not_allowed()),
        };
        let mut call = Call {
            now,
            settings,
            minor,
            request,
            path,
            resource,
            user,
            verb,
            dry_run: false,
            validation: Validation::Warn,
            query,
        };
        call.options()?;
        Ok(call)
    }

    /// Reads what all writes take.
    fn options(&mut self) -> Outcome<()> {
        let write = matches!(self.verb, "create" | "update" | "patch" | "delete" | "deletecollection");
        if !write {
            return Ok(());
        }
        for (key, value) in &self.query {
            match (key.as_str(), value.as_str()) {
                ("dryRun", "All") => self.dry_run = true,
                ("dryRun", "") => {}
                ("dryRun", other) => {
                    let kind = self.options_kind();
                    let error =
                        crate::kube::status::FieldError::not_supported("dryRun", serde_json::json!([other]), &["All"]);
                    return Err(Refusal::invalid_as(&format!("{kind}.meta.k8s.io"), "meta.k8s.io", kind, "", &[error]));
                }
                ("fieldValidation", "Strict") => self.validation = Validation::Strict,
                ("fieldValidation", "Ignore") => self.validation = Validation::Ignore,
                _ => {}
            }
        }
        // Older servers know nothing of strictness: they drop what they do not know.
        if self.minor < 25 {
            self.validation = Validation::Ignore;
        }
        Ok(())
    }

    pub(crate) fn options_kind(&self) -> &'static str {
        match self.verb {
            "create" => "CreateOptions",
            "update" => "UpdateOptions",
            "patch" => "PatchOptions",
            _ => "DeleteOptions",
        }
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether this is a server-side apply.
    pub(crate) fn applies(&self) -> bool {
        self.verb == "patch"
            && self.request.header("content-type").is_some_and(|kind| kind.starts_with("application/apply-patch"))
    }

    /// The version that is asked for. Finding the call has checked that it is served.
    pub(crate) fn version(&self) -> &Version {
        static NONE: std::sync::OnceLock<Version> = std::sync::OnceLock::new();
        self.resource.version(&self.path.version).unwrap_or_else(|| {
            NONE.get_or_init(|| Version {
                name: String::new(),
                served: false,
                schema: crate::kube::schema::builtin().clone(),
                at: crate::kube::schema::DEDUCED,
                status: false,
                scale: None,
                structural: None,
                columns: Vec::new(),
            })
        })
    }

    /// `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        self.resource.api_version(&self.path.version)
    }

    /// Who is written down as the one who changed fields.
    pub(crate) fn manager(&self) -> String {
        if let Some(name) = self.parameter("fieldManager").filter(|name| !name.is_empty()) {
            return name.to_owned();
        }
        let agent = self.request.header("user-agent").unwrap_or_default();
        let name: String = agent
            .split('/')
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|letter| !letter.is_control())
            .take(128)
            .collect();
        if name.is_empty() { "unknown".into() } else { name }
    }
}
