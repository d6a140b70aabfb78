//! `render` and `vendor`: what a stack's resources stand for, without asking any cloud.

use std::collections::BTreeMap;

use kfplan_config::Mode;
use kfplan_model::{Resource, Stack, Value};
use kfplan_plan::{ClusterFacts, Draft, Expansion, Kinds, Note, Problem, Scene, Severity};

use crate::error::{Failure, SessionError};
use crate::kinds::kinds;
use crate::options::Options;
use crate::render::{RenderedText, Renderer};
use crate::stack::load;

/// Renders one resource of a stack, or all of them, patches applied.
///
/// # Errors
///
/// Everything that is wrong with the stack file or the manifests.
pub async fn render(options: &Options, only: Option<&str>) -> Result<RenderedText, SessionError> {
    let stack = load(options, Mode::Plan)?;
    let kinds = kinds();
    let renderer = Renderer::new(options, Some(&stack), false)?;
    let chosen: Vec<&Resource> = rendered_resources(&stack, &kinds)
        .filter(|resource| only.is_none_or(|only| resource.address.to_string() == only))
        .collect();
    if chosen.is_empty() {
        let known: Vec<String> =
            rendered_resources(&stack, &kinds).map(|resource| resource.address.to_string()).collect();
        let message = only.map_or_else(
            || "no resource of this stack has manifests".to_owned(),
            |only| format!("`{only}` has no manifests"),
        );
        return Err(Failure::new("render::none", message, format!("these have: {}", known.join(", "))).into());
    }
    let (mut objects, mut notes) = (Vec::new(), Vec::new());
    for resource in chosen {
        let (drafts, said) = drafts(resource, &stack, &kinds, &renderer).await?;
        objects.extend(drafts.into_iter().filter_map(|draft| Some((draft.application, draft.desired?.body))));
        notes.extend(said.iter().map(note_line));
    }
    Ok(RenderedText::new(objects, notes))
}

fn note_line(note: &Note) -> String {
    let word = match note.severity {
        Severity::Blocks => "blocked",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    format!("{word}: {}", note.message)
}

fn rendered_resources<'a>(stack: &'a Stack, kinds: &'a Kinds) -> impl Iterator<Item = &'a Resource> {
    stack.resources.values().filter(|resource| {
        kinds.kinds.get(resource.address.type_name()).is_some_and(|kind| kind.schema().objects)
            && resource.address.type_name() != "patch"
    })
}

/// What the stack itself says of the cluster that a resource is for.
fn facts(resource: &Resource, stack: &Stack, kinds: &Kinds) -> Option<ClusterFacts> {
    let cluster = stack.resources.get(resource.fields.get("cluster").and_then(Value::as_handle)?)?;
    kinds.kinds.get(cluster.address.type_name())?.cluster(cluster)
}

async fn drafts(
    resource: &Resource,
    stack: &Stack,
    kinds: &Kinds,
    renderer: &Renderer<'_>,
) -> Result<(Vec<Draft>, Vec<Note>), SessionError> {
    let failed = |problems: Vec<Problem>| {
        let related = problems
            .iter()
            .map(|problem| {
                Failure::new(
                    &problem.code,
                    format!("`{}`: {}", problem.resource, problem.message),
                    problem.help.clone(),
                )
            })
            .collect();
        SessionError::from(Failure::all("render", format!("`{}` cannot be rendered", resource.address), related))
    };
    let Some(kind) = kinds.kinds.get(resource.address.type_name()) else { return Ok((Vec::new(), Vec::new())) };
    let places = BTreeMap::new();
    let mut scene = Scene {
        stack: &stack.name,
        environment: &stack.environment,
        lineage: "",
        subscription: stack.azure.as_ref().and_then(|azure| azure.subscription.as_deref()),
        resources: &stack.resources,
        places: &places,
        cluster: facts(resource, stack, kinds),
        rendered: None,
    };
    let request = match kind.expand(resource, &scene).map_err(failed)? {
        Expansion::Nodes { drafts, notes, .. } => return Ok((drafts, notes)),
        Expansion::Render(request) => request,
    };
    let rendered = renderer.render_all(std::slice::from_ref(&*request)).await?;
    scene.rendered = rendered.first();
    match kind.expand(resource, &scene).map_err(failed)? {
        Expansion::Nodes { drafts, notes, .. } => Ok((drafts, notes)),
        Expansion::Render(_) => Err(Failure::new(
            "render",
            format!("`{}` asks to be rendered again", resource.address),
            "this is a bug of kfplan; please report it",
        )
        .into()),
    }
}

/// Fetches every repo, renders everything, and pins what was read in kfplan.lock. Gives a line for each repo.
/// Without `update`, what is pinned stays as it is, and must be what was read.
///
/// # Errors
///
/// When a repo cannot be had or rendered, or is not what is pinned.
pub async fn vendor(options: &Options, update: bool) -> Result<Vec<String>, SessionError> {
    let stack = load(options, Mode::Plan)?;
    let kinds = kinds();
    let pinned = crate::repos::Repos::of(options, &crate::place::Place::of(options), &stack)?;
    let whole = stack.repos.keys().all(|name| pinned.lock().repos.contains_key(name));
    let renderer = Renderer::new(options, Some(&stack), update || !whole)?;
    for resource in rendered_resources(&stack, &kinds) {
        drafts(resource, &stack, &kinds, &renderer).await?;
    }
    renderer.pin().await
}
