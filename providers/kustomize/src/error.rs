//! What can be wrong with a kustomization.

use std::fmt;

use kfplan_objects::yaml::{Position, YamlError};

use crate::files::ReadError;

/// A file, and where in it if that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, from the root of the files.
    pub file: String,
    /// Where in the file.
    pub at: Option<Position>,
}

impl Place {
    /// A place in a file.
    pub(crate) fn new(file: impl Into<String>, at: Position) -> Self {
        Self { file: file.into(), at: Some(at) }
    }

    /// A file as a whole.
    pub(crate) fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), at: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{}:{}:{}", self.file, at.line, at.column),
            None => f.write_str(&self.file),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A folder is no kustomization.
    #[error("{place}: `{directory}` holds no `kustomization.yaml`, `kustomization.yml` or `Kustomization`")]
    NoKustomization {
        /// Who named the folder, or the folder itself.
        place: Place,
        /// The folder.
        directory: String,
    },
    /// A folder holds several kustomization files.
    #[error("{place}: the folder holds several kustomization files ({})", names.join(", "))]
    SeveralKustomizations {
        /// The folder.
        place: Place,
        /// The files.
        names: Vec<String>,
    },
    /// A file that is named is not there.
    #[error("{place}: `{field}` names `{path}`, which does not exist")]
    Missing {
        /// Who names it.
        place: Place,
        /// The field that does.
        field: String,
        /// The file that is not there.
        path: String,
    },
    /// A file cannot be read.
    #[error("{place}: the file cannot be read")]
    Read {
        /// The file.
        place: Place,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// A path leads out of the files that may be read.
    #[error("{place}: `{field}` names `{path}`, which lies outside the repository")]
    Outside {
        /// Who names it.
        place: Place,
        /// The field that does.
        field: String,
        /// The path.
        path: String,
    },
    /// A base at a URL.
    #[error("{place}: `{field}` names the remote base `{url}`")]
    Remote {
        /// Who names it.
        place: Place,
        /// The field that does.
        field: String,
        /// The address.
        url: String,
    },
    /// A kustomization includes itself, or a folder above itself.
    #[error("{place}: `{path}` contains this kustomization, by way of {}", chain.join(" → "))]
    Cycle {
        /// Who closes the ring.
        place: Place,
        /// What it includes.
        path: String,
        /// The folders from the first to the one that closes the ring.
        chain: Vec<String>,
    },
    /// More folders than a kustomization could mean.
    #[error("{place}: more than {limit} kustomizations are included{}", if *nested { " one within the other" } else { "" })]
    TooMany {
        /// Where the limit was reached.
        place: Place,
        /// The limit.
        limit: usize,
        /// Whether it is the depth that is too large.
        nested: bool,
    },
    /// A text is not YAML.
    #[error("{place}: the YAML cannot be read")]
    Yaml {
        /// The file and the place in it.
        place: Place,
        /// Why.
        #[source]
        source: YamlError,
    },
    /// A field that the dialect does not know.
    #[error("{place}: unknown field `{field}`")]
    UnknownField {
        /// Where it stands.
        place: Place,
        /// The field with the way to it.
        field: String,
        /// A field of nearly this name.
        nearest: Option<String>,
    },
    /// A field that is known, but not rendered.
    #[error("{place}: `{field}` is not supported: {reason}")]
    Unsupported {
        /// Where it stands.
        place: Place,
        /// The field.
        field: String,
        /// Why not.
        reason: &'static str,
        /// What to do instead.
        help: &'static str,
    },
    /// A field with a value of the wrong kind.
    #[error("{place}: `{field}` is {found}; it must be {wanted}")]
    WrongType {
        /// Where it stands.
        place: Place,
        /// The field with the way to it.
        field: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// A field whose value is not acceptable.
    #[error("{place}: `{field}`: {reason}")]
    Field {
        /// Where it stands.
        place: Place,
        /// The field with the way to it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A document of a file is no Kubernetes object.
    #[error("{place}: {reason}")]
    Object {
        /// The file and the place of the document.
        place: Place,
        /// What is missing or wrong.
        reason: String,
    },
    /// Two objects have the same identity.
    #[error("{place}: {object} is there already, from {other}")]
    Twice {
        /// Where the second one comes from.
        place: Place,
        /// The object.
        object: String,
        /// Where the first one comes from.
        other: String,
    },
    /// A transformation that cannot be done on an object.
    #[error("{place}: `{field}` on {object}: {reason}")]
    Transform {
        /// The kustomization that asks for it.
        place: Place,
        /// The field that does.
        field: String,
        /// The object.
        object: String,
        /// Why it cannot be done.
        reason: String,
    },
}

impl RenderError {
    /// The file and the place in it.
    #[must_use]
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::NoKustomization { place, .. }
            | Self::SeveralKustomizations { place, .. }
            | Self::Missing { place, .. }
            | Self::Read { place, .. }
            | Self::Outside { place, .. }
            | Self::Remote { place, .. }
            | Self::Cycle { place, .. }
            | Self::TooMany { place, .. }
            | Self::Yaml { place, .. }
            | Self::UnknownField { place, .. }
            | Self::Unsupported { place, .. }
            | Self::WrongType { place, .. }
            | Self::Field { place, .. }
            | Self::Object { place, .. }
            | Self::Twice { place, .. }
            | Self::Transform { place, .. } => Some(place),
        }
    }
}

impl RenderError {
    /// The stable code, listed in the reference of errors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoKustomization { .. } => "kustomize::no_kustomization",
            Self::SeveralKustomizations { .. } => "kustomize::several_kustomizations",
            Self::Missing { .. } => "kustomize::missing_file",
            Self::Read { .. } => "kustomize::read",
            Self::Outside { .. } => "kustomize::outside",
            Self::Remote { .. } => "kustomize::remote",
            Self::Cycle { .. } => "kustomize::cycle",
            Self::TooMany { .. } => "kustomize::too_many",
            Self::Yaml { .. } => "kustomize::yaml",
            Self::UnknownField { .. } => "kustomize::unknown_field",
            Self::Unsupported { .. } => "kustomize::unsupported",
            Self::WrongType { .. } => "kustomize::wrong_type",
            Self::Field { .. } => "kustomize::field",
            Self::Object { .. } => "kustomize::object",
            Self::Twice { .. } => "kustomize::twice",
            Self::Transform { .. } => "kustomize::transform",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        let fixed = match self {
            Self::UnknownField { nearest: Some(nearest), .. } => return format!("write `{nearest}`, or take it out"),
            Self::WrongType { wanted: "text", found: "a number" | "a truth value", .. } => "write it in quotes",
            Self::WrongType { wanted, .. } => return format!("write {wanted} there"),
            Self::NoKustomization { .. } => "name the folder that holds the kustomization, or write one there",
            Self::SeveralKustomizations { .. } => "keep one of them: only one is ever read",
            Self::Missing { .. } => {
                "correct the path, which is seen from the folder of the kustomization, or add the file"
            }
            Self::Read { .. } => "see that the file can be read and is text in UTF-8",
            Self::Outside { .. } => "move what it names into the repository: only files inside it are read",
            Self::Remote { .. } => {
                "run `kfplan vendor`, which fetches it and pins it in `kfplan.lock`; or copy it into the repository"
            }
            Self::Cycle { .. } => "take out one of the entries that close the ring",
            Self::TooMany { .. } => "look for folders that include one another in ever new ways",
            Self::Yaml { .. } => "correct the YAML at this place",
            Self::UnknownField { nearest: None, .. } => "take it out: the dialect knows no field of nearly this name",
            Self::Unsupported { help, .. } => help,
            Self::Field { .. } => "correct the field",
            Self::Object { .. } => "give every document `apiVersion`, `kind` and `metadata.name`, or take it out",
            Self::Twice { .. } => "take one of the two out, or give it another name or namespace",
            Self::Transform { .. } => {
                "correct the field, or what it is to change: render without it to see the objects"
            }
        };
        fixed.to_owned()
    }
}

/// Everything that is wrong with a kustomization, in the order in which it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderErrors(pub Vec<RenderError>);

impl fmt::Display for RenderErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                write!(f, ": {cause}")?;
                source = cause.source();
            }
        }
        Ok(())
    }
}

impl std::error::Error for RenderErrors {}
