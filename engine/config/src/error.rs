//! What can be wrong with a stack file, and what to write instead.

use kfplan_expression::ExpressionError;
use kfplan_model::ResourceAddress;

use crate::nearest::{advice, listed};

/// One mistake. Its text names fields, types, and names, never a sensitive value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's docs name its fields' meaning; the message shows them")]
pub enum ConfigError {
    /// The text is not TOML.
    #[error("{message}")]
    Syntax { message: String, help: String },
    /// The file is larger than any stack file.
    #[error("the file has {bytes} bytes, and at most {limit} are read")]
    TooLarge { bytes: usize, limit: usize },
    /// A key or table stands twice.
    #[error("`{key}` is stated twice")]
    Duplicate { key: String },
    /// A table that is no resource type and no setting.
    #[error("there is no resource type `{name}`")]
    UnknownType { name: String, nearest: Option<String>, known: Vec<String> },
    /// A key outside of all tables.
    #[error("`{key}` stands outside of all tables")]
    Stray { key: String, help: String },
    /// Something that is known, and not there yet.
    #[error("{what} not supported yet")]
    NotYet { what: String, help: String },
    /// A name that breaks its rule.
    #[error("`{name}` cannot be the name of {what}")]
    BadName { what: &'static str, name: String, rule: &'static str },
    /// A table without the table, list, or header form that it needs.
    #[error("`{name}` must be {wanted}")]
    BadTable { name: String, wanted: &'static str, help: String },
    /// A table that must be there is not.
    #[error("the file has no `[{table}]`")]
    MissingTable { table: &'static str, help: String },
    /// A field that the type does not have.
    #[error("`{inside}` has no field `{field}`")]
    UnknownField { inside: String, field: String, nearest: Option<String>, known: Vec<String> },
    /// A field of an outer table, written after the header of an inner one.
    #[error("`{field}` is a field of `{owner}`, but stands in `{table}`")]
    Misplaced { field: String, owner: String, table: String, line: usize },
    /// A field that must be stated is not.
    #[error("`{inside}` lacks `{field}`")]
    MissingField { inside: String, field: String, instead: Vec<String>, summary: String },
    /// Two fields that exclude each other.
    #[error("`{field}` and `{other}` exclude each other")]
    Excluded { field: String, other: String },
    /// A value of another type.
    #[error("`{field}` must be {wanted}, and this is {found}")]
    WrongType { field: String, wanted: String, found: String, help: String },
    /// A value that a rule refuses.
    #[error("`{field}` {rule}")]
    BadValue { field: String, rule: String, help: String },
    /// A key with dots where a quoted one was meant.
    #[error("`{key}` makes tables inside each other, because its dots are not quoted")]
    DottedKey { key: String, value: String },
    /// A string with an expression that is wrong.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    /// An expression where none is read.
    #[error("{place} cannot hold an expression")]
    NoExpressions { place: &'static str },
    /// A reference to a variable that is not declared.
    #[error("there is no variable `{name}`")]
    UnknownVariable { name: String, nearest: Option<String>, known: Vec<String> },
    /// A reference to a resource that is not declared.
    #[error("`{address}` is not declared")]
    UnknownReference { address: String, nearest: Option<String>, known: Vec<String> },
    /// A reference to a field or output that the type does not have.
    #[error("`{address}` has no field or output `{field}`")]
    UnknownOutput { address: String, field: String, nearest: Option<String>, known: Vec<String> },
    /// A reference to a resource with `for_each`, without a key.
    #[error("`{address}` has a `for_each`: say which of its instances is meant")]
    KeyNeeded { address: String },
    /// A key on a resource without `for_each`.
    #[error("`{address}` has no `for_each`, so it has no `[{key}]`")]
    NotKeyed { address: String, key: String },
    /// A key that `for_each` does not give.
    #[error("`{address}` has no instance `{key}`")]
    UnknownKey { address: String, key: String, nearest: Option<String>, known: Vec<String> },
    /// Something that is there refers to something that is not enabled.
    #[error("`{from}` needs `{to}`, which is not enabled in the environment `{environment}`")]
    NotEnabled { from: String, to: String, environment: String },
    /// A handle of another type than the field asks for.
    #[error("`{field}` asks for {wanted}, and `{address}` is none")]
    WrongHandle { field: String, wanted: String, address: String, candidates: Vec<String> },
    /// A value where a handle is asked for.
    #[error("`{field}` asks for {wanted} itself")]
    NotHandle { field: String, wanted: String, candidates: Vec<String>, literal: bool },
    /// A handle where a value is asked for.
    #[error("`{field}` asks for a value, and `{address}` is a resource")]
    HandleAsValue { field: String, address: String, known: Vec<String> },
    /// Resources that wait for each other.
    #[error("{}", ring(addresses))]
    Ring { addresses: Vec<ResourceAddress> },
    /// Something that decides which things exist is known only after apply.
    #[error("{what} must be known before anything is created, and waits for {}", listed(waits))]
    UnknownAtPlan { what: String, waits: Vec<String> },
    /// A value that cannot be gone through.
    #[error("`for_each` must be a table, or a list of different texts, and this is {found}")]
    BadEach { found: String },
    /// A key of `for_each` that stands twice.
    #[error("`for_each` has the key `{key}` twice")]
    DuplicateEach { key: String },
    /// Sensitive values would show in addresses or in the choice of what exists.
    #[error("{what} is sensitive, and would show in what exists")]
    SensitiveChoice { what: String },
    /// `existing` on a type that is always kfplan's own.
    #[error("`{type_name}` cannot be `existing`")]
    NeverExisting { type_name: String, known: Vec<String> },
    /// A repo that is not declared.
    #[error("there is no repo `{name}`")]
    UnknownRepo { name: String, nearest: Option<String>, known: Vec<String> },
    /// A file or folder that is not there.
    #[error("there is no file or folder `{path}`")]
    MissingFile { path: String },
    /// A glob that no file matches.
    #[error("no file matches `{pattern}`")]
    NoMatch { pattern: String },
    /// `--env` names an environment that the file does not have.
    #[error("there is no environment `{name}`")]
    UnknownEnvironment { name: String, nearest: Option<String>, known: Vec<String> },
    /// Variables without a value.
    #[error("{} no value", if names.len() == 1 { format!("the variable `{}` has", names.join("")) } else { format!("the variables {} have", listed(names)) })]
    MissingVariables { names: Vec<String> },
    /// A value for a variable that is not declared.
    #[error("{origin} gives a value to `{name}`, which is no variable of the stack")]
    UndeclaredVariable { name: String, origin: String, nearest: Option<String>, known: Vec<String> },
    /// A value that is none of the variable's type.
    #[error("{origin} gives `{name}` a value that {verdict}")]
    BadVariable { name: String, origin: String, verdict: String, help: String },
    /// A `--var-file` that is not TOML.
    #[error("the variable file `{name}` cannot be read: {message}")]
    BadVariableFile { name: String, message: String },
    /// An environment variable that the file asks for and the process lacks.
    #[error("the environment variable `{name}` is not set")]
    MissingEnvironmentVariable { name: String, field: String },
    /// `[[moved]]` or `[[removed]]` names what is still declared.
    #[error("`{address}` is still declared")]
    StillDeclared { address: String, table: &'static str },
    /// `[[moved]]` between types.
    #[error("`{from}` cannot become `{to}`: the types differ")]
    MovedType { from: String, to: String },
}

fn ring(addresses: &[ResourceAddress]) -> String {
    if let [alone] = addresses {
        return format!("`{alone}` refers to itself");
    }
    let names: Vec<String> = addresses.iter().chain(addresses.first()).map(|address| format!("`{address}`")).collect();
    format!("resources wait for each other: {}", names.join(" → "))
}

impl ConfigError {
    /// The last part of the error's stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "syntax",
            Self::TooLarge { .. } => "too_large",
            Self::Duplicate { .. } => "duplicate",
            Self::UnknownType { .. } => "unknown_type",
            Self::Stray { .. } => "stray_key",
            Self::NotYet { .. } => "not_yet",
            Self::BadName { .. } => "bad_name",
            Self::BadTable { .. } => "bad_table",
            Self::MissingTable { .. } => "missing_table",
            Self::UnknownField { .. } => "unknown_field",
            Self::Misplaced { .. } => "misplaced_field",
            Self::MissingField { .. } => "missing_field",
            Self::Excluded { .. } => "conflicting_fields",
            Self::WrongType { .. } => "wrong_type",
            Self::BadValue { .. } => "bad_value",
            Self::DottedKey { .. } => "dotted_key",
            Self::Expression(_) => "bad_expression",
            Self::NoExpressions { .. } => "no_expressions",
            Self::UnknownVariable { .. } => "unknown_variable",
            Self::UnknownReference { .. } => "unknown_reference",
            Self::UnknownOutput { .. } => "unknown_output",
            Self::KeyNeeded { .. } => "key_needed",
            Self::NotKeyed { .. } => "not_keyed",
            Self::UnknownKey { .. } => "unknown_key",
            Self::NotEnabled { .. } => "not_enabled",
            Self::WrongHandle { .. } => "wrong_handle",
            Self::NotHandle { .. } => "not_a_handle",
            Self::HandleAsValue { .. } => "handle_as_value",
            Self::Ring { .. } => "ring",
            Self::UnknownAtPlan { .. } => "unknown_at_plan",
            Self::BadEach { .. } => "bad_for_each",
            Self::DuplicateEach { .. } => "duplicate_for_each",
            Self::SensitiveChoice { .. } => "sensitive_choice",
            Self::NeverExisting { .. } => "never_existing",
            Self::UnknownRepo { .. } => "unknown_repo",
            Self::MissingFile { .. } => "missing_file",
            Self::NoMatch { .. } => "no_match",
            Self::UnknownEnvironment { .. } => "unknown_environment",
            Self::MissingVariables { .. } => "missing_variables",
            Self::UndeclaredVariable { .. } => "undeclared_variable",
            Self::BadVariable { .. } => "bad_variable",
            Self::BadVariableFile { .. } => "bad_variable_file",
            Self::MissingEnvironmentVariable { .. } => "missing_environment_variable",
            Self::StillDeclared { .. } => "still_declared",
            Self::MovedType { .. } => "moved_type",
        }
    }

    /// What stands at the caret.
    pub(crate) fn label(&self) -> String {
        let label = match self {
            Self::Syntax { .. } => "not understood",
            Self::Duplicate { .. } => "again here",
            Self::UnknownType { .. } => "unknown type",
            Self::Stray { .. } => "in no table",
            Self::NotYet { .. } => "not yet",
            Self::BadName { .. } => "bad name",
            Self::BadTable { wanted, .. } => return format!("must be {wanted}"),
            Self::UnknownField { .. } => "unknown field",
            Self::Misplaced { table, .. } => return format!("lands in `{table}`"),
            Self::MissingField { field, .. } => return format!("`{field}` is missing"),
            Self::Excluded { .. } => "this",
            Self::WrongType { found, .. } => return found.clone(),
            Self::BadValue { .. } => "refused",
            Self::DottedKey { .. } => "dots without quotes",
            Self::Expression(_) => "here",
            Self::NoExpressions { .. } => "an expression",
            Self::UnknownVariable { .. } | Self::UnknownReference { .. } => "not declared",
            Self::UnknownOutput { .. } => "no such field",
            Self::KeyNeeded { .. } => "without a key",
            Self::NotKeyed { .. } | Self::UnknownKey { .. } => "no such key",
            Self::NotEnabled { .. } => "not enabled",
            Self::WrongHandle { .. } => "of another type",
            Self::NotHandle { .. } => "not a resource",
            Self::HandleAsValue { .. } => "a resource",
            Self::UnknownAtPlan { .. } => "known only after apply",
            Self::BadEach { found } => return found.clone(),
            Self::DuplicateEach { .. } => "again here",
            Self::SensitiveChoice { .. } => "sensitive",
            Self::NeverExisting { .. } => "not for this type",
            Self::UnknownRepo { .. } => "not declared",
            Self::MissingFile { .. } => "not there",
            Self::NoMatch { .. } => "no match",
            Self::UndeclaredVariable { .. } => "not declared",
            Self::BadVariable { .. } => "wrong value",
            Self::MissingEnvironmentVariable { .. } => "not set",
            Self::StillDeclared { .. } => "still declared",
            Self::MovedType { .. } => "another type",
            Self::TooLarge { .. }
            | Self::MissingTable { .. }
            | Self::Ring { .. }
            | Self::UnknownEnvironment { .. }
            | Self::MissingVariables { .. }
            | Self::BadVariableFile { .. } => "here",
        };
        label.to_owned()
    }

    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Syntax { help, .. }
            | Self::Stray { help, .. }
            | Self::NotYet { help, .. }
            | Self::BadTable { help, .. }
            | Self::MissingTable { help, .. }
            | Self::WrongType { help, .. }
            | Self::BadValue { help, .. }
            | Self::BadVariable { help, .. } => help.clone(),
            Self::TooLarge { .. } => "keep manifests in files of their own and name them in `files`".to_owned(),
            Self::Duplicate { .. } => "keep one of the two; tables of the same name are written as one".to_owned(),
            Self::BadName { rule, .. } => (*rule).to_owned(),
            Self::UnknownType { nearest, known, .. } => advice(nearest.as_deref(), known, ""),
            Self::UnknownField { nearest, known, .. } => advice(nearest.as_deref(), known, "leave it out"),
            Self::Misplaced { line, .. } => {
                format!("a key belongs to the last header above it: move it above line {line}")
            }
            Self::MissingField { field, instead, summary, .. } if instead.is_empty() => {
                format!("add `{field} = …`: {summary}")
            }
            Self::MissingField { field, instead, .. } => {
                format!("add `{field}` or {}", listed(instead).replace(", ", " or "))
            }
            Self::Excluded { field, other } => format!("keep `{field}` or `{other}`, not both"),
            Self::DottedKey { key, value } => format!("quote the key: `\"{key}\" = {value}`"),
            Self::Expression(error) => error.help(),
            Self::NoExpressions { .. } => {
                "use it where the value is read, or write `$${` for a literal `${`".to_owned()
            }
            Self::UnknownVariable { name, nearest, known } => advice(
                nearest.as_deref(),
                known,
                &format!("declare it: `[vars]`, then `{name} = {{ default = \"…\" }}`"),
            ),
            Self::UnknownReference { address, nearest, known } => match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None if known.is_empty() => format!("declare `[{address}]`"),
                None => format!("declare `[{address}]`, or refer to one of {}", listed(known.iter().take(12))),
            },
            Self::UnknownOutput { nearest, known, .. } => advice(nearest.as_deref(), known, "it has none"),
            Self::KeyNeeded { address } => {
                format!("write `${{{address}[\"KEY\"]}}`, or `[each.key]` under a `for_each` of the same keys")
            }
            Self::NotKeyed { address, .. } => format!("write `${{{address}}}`, or `.FIELD` for one of its fields"),
            Self::UnknownKey { nearest, known, .. } => advice(nearest.as_deref(), known, "its `for_each` is empty"),
            Self::NotEnabled { from, to, .. } if from == "outputs" => {
                format!("ask first whether it is there: `${{has({to}) ? {to}.FIELD : ''}}`")
            }
            Self::NotEnabled { from, to, .. } => {
                format!("give `{from}` the same `enabled` as `{to}`; `has({to})` asks whether it is there")
            }
            Self::WrongHandle { candidates, wanted, .. } | Self::NotHandle { candidates, wanted, .. }
                if candidates.is_empty() =>
            {
                format!("declare {wanted}, and write `${{TYPE.NAME}}`")
            }
            Self::WrongHandle { candidates, .. } => format!("write {}", handles(candidates)),
            Self::NotHandle { candidates, literal: false, .. } => {
                format!("write the resource alone, without a field: {}", handles(candidates))
            }
            Self::NotHandle { candidates, .. } => format!("write {}", handles(candidates)),
            Self::HandleAsValue { address, known, .. } => {
                match known.iter().find(|field| *field == "id" || *field == "name") {
                    Some(field) => format!("write one of its fields, such as `${{{address}.{field}}}`"),
                    None => format!("write one of its fields: `${{{address}.FIELD}}`"),
                }
            }
            Self::Ring { .. } => "take one of these references out; pass a variable or a literal instead".to_owned(),
            Self::UnknownAtPlan { .. } => "use a variable, a literal, or a field that the file states".to_owned(),
            Self::BadEach { .. } => "write `for_each = { a = …, b = … }` or `for_each = [\"a\", \"b\"]`".to_owned(),
            Self::DuplicateEach { .. } => "state each key once".to_owned(),
            Self::SensitiveChoice { .. } => "use a value that may be shown".to_owned(),
            Self::NeverExisting { known, .. } => format!("only {} can be", listed(known)),
            Self::UnknownRepo { name, nearest, known } => advice(
                nearest.as_deref(),
                known,
                &format!("declare it: `[repos.{name}]`, then `url = \"…\"` or `path = \"…\"`"),
            ),
            Self::MissingFile { .. } => {
                "paths are relative to the stack file; `@REPO/…` is a path inside a repo".to_owned()
            }
            Self::NoMatch { .. } => {
                "paths are relative to the stack file; `*` stays inside a folder, `**` does not".to_owned()
            }
            Self::UnknownEnvironment { name, nearest, known } => {
                advice(nearest.as_deref(), known, &format!("declare it: `[env.{name}]`"))
            }
            Self::MissingVariables { names } => {
                let name = names.first().map_or("NAME", String::as_str);
                format!(
                    "give `--var {name}=…`, a line `{name} = …` in a `--var-file`, `[env.NAME] vars`, the environment variable `KFPLAN_VAR_{name}`, or a `default`"
                )
            }
            Self::UndeclaredVariable { name, nearest, known, .. } => {
                advice(nearest.as_deref(), known, &format!("declare it: `[vars]`, then `{name} = {{ default = … }}`"))
            }
            Self::BadVariableFile { .. } => {
                "a variable file is TOML: one line `name = value` for each variable".to_owned()
            }
            Self::MissingEnvironmentVariable { name, field } => {
                format!("set `{name}`, or write the value in place of `{field} = {{ env = \"{name}\" }}`")
            }
            Self::StillDeclared { address, table } => {
                format!("take `[{address}]` out of the file, or this `[[{table}]]`")
            }
            Self::MovedType { .. } => "a resource keeps its type; to replace it, take the `[[moved]]` out".to_owned(),
        }
    }
}

fn handles(addresses: &[String]) -> String {
    addresses.iter().take(8).map(|address| format!("`\"${{{address}}}\"`")).collect::<Vec<_>>().join(" or ")
}
