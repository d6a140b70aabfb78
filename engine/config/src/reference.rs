//! The reference of the stack file, as Markdown.

use std::fmt::Write as _;

use kfplan_expression::FUNCTIONS;
use kfplan_plan::{Field, OnChange, Schema, Shape};

use crate::conform::wanted;
use crate::meta::meta_fields;
use crate::settings::setting_fields;

/// The reference of every table, type, and field, as Markdown.
#[must_use]
pub fn reference(schemas: &[Schema]) -> String {
    let mut page = String::from(
        "# Stack file\n\n\
         <!-- Made from the schemas. A test compares it with them. -->\n\n\
         One TOML file a stack. `[TYPE.NAME]` is a resource. Text may hold `${…}`; `$${` is a literal `${`.\n\n\
         A field marked *plan* must be known before anything is created. Changes are made in place unless the field says otherwise.\n\n\
         ## Settings\n",
    );
    for (table, title) in
        [("stack", "`[stack]`"), ("azure", "`[azure]`"), ("state", "`[state]`"), ("repos", "`[repos.NAME]`")]
    {
        let _ = write!(page, "\n### {title}\n\n");
        fields(&mut page, &setting_fields(table), "");
    }
    page.push_str(VARIABLES);
    expressions(&mut page);
    page.push_str("\n## On every resource\n\n");
    let types: Vec<&'static str> = schemas.iter().map(|schema| schema.type_name).collect();
    // The fields that only some types take are told of with all their conditions.
    let all = Schema {
        type_name: "",
        summary: "",
        fields: Vec::new(),
        outputs: Vec::new(),
        existing: true,
        objects: true,
        azure: false,
    };
    fields(&mut page, &meta_fields(&all, &types), "");
    page.push_str(
        "\n`existing` is taken by the types that say so below; `conflict` and `readiness` by those that make Kubernetes objects.\n\n## Types\n",
    );
    for schema in schemas {
        type_of(&mut page, schema);
    }
    page
}

const VARIABLES: &str = "\n### `[vars]`\n\n\
    | key | takes | what it says |\n|---|---|---|\n\
    | `type` | one of `string`, `int`, `float`, `bool`, `list`, `map` | The type; that of the default, else `string`. |\n\
    | `default` | any value | The value where no other is given. |\n\
    | `description` | text | What it is for. |\n\
    | `sensitive` | `true` or `false` | Whether it is never shown. |\n\
    | `allowed` | a list | The values that it may have. |\n\n\
    A value comes from `--var NAME=VALUE`, else `--var-file`, else `[env.NAME] vars`, else the environment variable\n\
    `KFPLAN_VAR_NAME`, else the default.\n";

fn expressions(page: &mut String) {
    page.push_str(
        "\n## Expressions\n\n`${…}` holds [CEL](https://cel.dev), and is read in the text of values, nowhere else. Text that is one whole \
         `${…}` keeps the type of the value.\n\n\
         | root | what it is |\n|---|---|\n\
         | `vars.NAME` | A variable. |\n\
         | `env.name` | The environment of `--env`. |\n\
         | `each.key`, `each.value` | Under `for_each`. |\n\
         | `TYPE.NAME.FIELD` | A field or output of a resource; `TYPE.NAME[\"KEY\"].FIELD` of one instance. |\n\
         | `TYPE.NAME` | The resource itself, where a field asks for one. |\n\n\
         What reads an output is known after apply. What reads something sensitive is sensitive. `has(TYPE.NAME)` asks whether a \
         resource is enabled.\n\nFunctions: ",
    );
    page.push_str(&crate::nearest::listed(FUNCTIONS));
    page.push_str(".\n");
}

fn type_of(page: &mut String, schema: &Schema) {
    let _ = write!(page, "\n### `{}`\n\n{}\n", schema.type_name, sentence(schema.summary));
    let mut traits = Vec::new();
    if schema.existing {
        traits.push("may be `existing`");
    }
    if schema.objects {
        traits.push("makes Kubernetes objects");
    }
    if schema.azure {
        traits.push("needs `[azure]`");
    }
    if !traits.is_empty() {
        let _ = write!(page, "\nIt {}.\n", traits.join(", "));
    }
    page.push('\n');
    fields(page, &schema.fields, "");
    if !schema.outputs.is_empty() {
        page.push_str("\n| output | what it is |\n|---|---|\n");
        for output in &schema.outputs {
            let secret = if output.sensitive { " Never shown." } else { "" };
            let _ = writeln!(page, "| `{}` | {}{secret} |", output.name, cell(&sentence(output.summary)));
        }
    }
}

fn fields(page: &mut String, list: &[Field], prefix: &str) {
    if prefix.is_empty() {
        page.push_str("| field | takes | default | what it says |\n|---|---|---|---|\n");
    }
    for field in list {
        let name = format!("{prefix}{}", field.name);
        let default = match (&field.default, field.required) {
            (Some(default), _) => format!("`{default}`"),
            (None, true) => "required".to_owned(),
            (None, false) if !field.unless.is_empty() => {
                format!("required, unless `{}`", field.unless.join("` or `"))
            }
            (None, false) => String::new(),
        };
        let takes = takes(&field.shape);
        let _ = writeln!(page, "| `{name}` | {} | {} | {} |", cell(&takes), cell(&default), cell(&says(field)));
        if let Some((inner, more)) = nested(&field.shape) {
            fields(page, inner, &format!("{name}{more}."));
        }
    }
}

/// The fields of a table inside of a shape, and how the path to it goes on.
fn nested(shape: &Shape) -> Option<(&[Field], &'static str)> {
    match shape {
        Shape::Table(fields) => Some((fields, "")),
        Shape::List(inner) => nested(inner).map(|(fields, _)| (fields, "[]")),
        Shape::Map(inner) => nested(inner).map(|(fields, _)| (fields, ".KEY")),
        Shape::Either(shapes) => shapes.iter().find_map(nested),
        _ => None,
    }
}

fn takes(shape: &Shape) -> String {
    match shape {
        Shape::Int { min: Some(min), max: Some(max) } => format!("a whole number from {min} to {max}"),
        Shape::Int { min: Some(min), max: None } => format!("a whole number from {min}"),
        Shape::Int { min: None, max: Some(max) } => format!("a whole number up to {max}"),
        Shape::Checked { pattern, .. } => format!("text, `{pattern}`"),
        Shape::List(inner) => format!("a list: {}", takes(inner)),
        Shape::Map(inner) => format!("a table, for each key {}", takes(inner)),
        Shape::Either(shapes) => shapes.iter().map(takes).collect::<Vec<_>>().join(", or "),
        other => wanted(other),
    }
}

fn says(field: &Field) -> String {
    let mut says = sentence(field.summary);
    if field.decides {
        says.push_str(" *plan*");
    }
    if !field.excludes.is_empty() {
        let _ = write!(says, " Not with `{}`.", field.excludes.join("` or `"));
    }
    if field.sensitive {
        says.push_str(" Never shown.");
    }
    match field.on_change {
        OnChange::InPlace => {}
        OnChange::Replace => says.push_str(" **A change replaces the resource.**"),
        OnChange::Rotate => says.push_str(" **A change replaces the pool, its pods evicted first.**"),
        OnChange::Refused(instead) => {
            let _ = write!(says, " **It cannot be changed:** {instead}.");
        }
    }
    says
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
