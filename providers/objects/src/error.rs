//! What can be wrong with an object before anybody compares it.

/// An object that cannot be placed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// It is no map.
    #[error("it is {found}, not an object with `apiVersion`, `kind` and `metadata`")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A field that every object has is missing or empty.
    #[error("it has no `{field}`")]
    Missing {
        /// The field, dotted.
        field: &'static str,
    },
    /// A field that every object has is no text.
    #[error("its `{field}` is no text")]
    NotText {
        /// The field, dotted.
        field: &'static str,
    },
    /// `apiVersion` has more than one slash.
    #[error("its apiVersion `{text}` is neither `VERSION` nor `GROUP/VERSION`")]
    ApiVersion {
        /// What it says.
        text: String,
    },
    /// Nothing says whether its kind lives in namespaces.
    #[error(
        "nothing says whether `{kind}` lives in namespaces: no CRD of this plan declares it, and it is not built in"
    )]
    UnknownScope {
        /// The kind with its group.
        kind: String,
    },
    /// A part of the set of fields is nested deeper than any API allows.
    #[error("it is nested more than {limit} levels deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
}
