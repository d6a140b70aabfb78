//! Schemas: what fields a resource type has, so that config can check them,
//! editors can complete them, and the reference can list them.

use serde_json::Value as Json;

/// What a resource type is made of.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Such as `aks_cluster`.
    pub type_name: &'static str,
    /// What it is, in one sentence.
    pub summary: &'static str,
    /// Its fields, in the order that the reference lists them.
    pub fields: Vec<Field>,
    /// What other resources can read from it: `${TYPE.NAME.OUTPUT}`. Fields can be read too.
    pub outputs: Vec<OutputField>,
    /// Whether `existing = true` is allowed.
    pub existing: bool,
    /// Whether it makes Kubernetes objects: `[[….conflict]]` and `[[….readiness]]` are allowed.
    pub objects: bool,
    /// Whether it needs `[azure]`.
    pub azure: bool,
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it says, with unit, and the source of any rule.
    pub summary: &'static str,
    /// What values it takes.
    pub shape: Shape,
    /// Whether it must be stated.
    pub required: bool,
    /// What it is when not stated.
    pub default: Option<Json>,
    /// Whether it decides which objects exist, and so must be known at plan.
    pub decides: bool,
    /// Whether its value is secret.
    pub sensitive: bool,
    /// What a change of it does.
    pub on_change: OnChange,
    /// Fields beside it that may not be stated together with it.
    pub excludes: &'static [&'static str],
    /// It must be stated unless one of these is; empty where it need not be stated.
    pub unless: &'static [&'static str],
    /// Its text is taken as it is, `${…}` included, unless the field of this name beside it is `true`.
    pub verbatim_unless: Option<&'static str>,
}

impl Field {
    /// An optional field that changes in place.
    #[must_use]
    pub fn optional(name: &'static str, shape: Shape, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            shape,
            required: false,
            default: None,
            decides: false,
            sensitive: false,
            on_change: OnChange::InPlace,
            excludes: &[],
            unless: &[],
            verbatim_unless: None,
        }
    }

    /// A field that must be stated and changes in place.
    #[must_use]
    pub fn required(name: &'static str, shape: Shape, summary: &'static str) -> Self {
        Self { required: true, ..Self::optional(name, shape, summary) }
    }

    /// The same field, with a default.
    #[must_use]
    pub fn or(self, default: impl Into<Json>) -> Self {
        Self { default: Some(default.into()), ..self }
    }

    /// The same field, deciding which objects exist.
    #[must_use]
    pub fn deciding(self) -> Self {
        Self { decides: true, ..self }
    }

    /// The same field, with another effect when it changes.
    #[must_use]
    pub fn changing(self, on_change: OnChange) -> Self {
        Self { on_change, ..self }
    }

    /// The same field, never stated together with these.
    #[must_use]
    pub fn not_with(self, excludes: &'static [&'static str]) -> Self {
        Self { excludes, ..self }
    }

    /// The same field, required unless one of these is stated.
    #[must_use]
    pub fn unless(self, unless: &'static [&'static str]) -> Self {
        Self { unless, ..self }
    }

    /// The same field, with text that holds no expressions unless the field `opt_in` beside it is `true`.
    #[must_use]
    pub fn verbatim_unless(self, opt_in: &'static str) -> Self {
        Self { verbatim_unless: Some(opt_in), ..self }
    }

    /// The same field, secret.
    #[must_use]
    pub fn secret(self) -> Self {
        Self { sensitive: true, ..self }
    }
}

/// What a change of a field does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// The resource is changed in place.
    InPlace,
    /// The resource is replaced.
    Replace,
    /// The pool is replaced by another: its pods are evicted first.
    Rotate,
    /// The service refuses; the string says what to do instead.
    Refused(&'static str),
}

/// What values a field takes.
#[derive(Debug, Clone)]
pub enum Shape {
    /// `true` or `false`.
    Bool,
    /// A whole number within inclusive bounds.
    Int {
        /// The smallest.
        min: Option<i64>,
        /// The largest.
        max: Option<i64>,
    },
    /// A number.
    Float,
    /// Any text.
    String,
    /// Text that a rule accepts; the rule says what is wrong and what to write.
    Checked {
        /// The rule as a pattern, for the JSON Schema.
        pattern: &'static str,
        /// What the pattern means, for people.
        rule: &'static str,
        /// The rule.
        check: fn(&str) -> bool,
    },
    /// One of these words.
    Choice(Vec<&'static str>),
    /// A handle of one of these types.
    Handle(Vec<&'static str>),
    /// A list.
    List(Box<Shape>),
    /// A table with free keys.
    Map(Box<Shape>),
    /// A table with these fields.
    Table(Vec<Field>),
    /// Any one of these.
    Either(Vec<Shape>),
    /// Any value.
    Any,
    /// A file, relative to the stack file; it must exist.
    File,
    /// A folder or file, relative to the stack file or `@REPO/…`.
    Source,
    /// A glob of files, relative to the stack file; it must match something.
    Glob,
    /// A JSON Pointer with list keys.
    Path,
    /// A table that selects objects: group, version, kind, namespace, name, labels.
    Target,
}

/// Something that other resources can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputField {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    /// Whether it is secret.
    pub sensitive: bool,
}
