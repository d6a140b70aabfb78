//! What a kustomization does to its objects, in the order of its dialect.

pub(crate) mod hash;
mod images;
mod images5;
mod metadata;
mod names;
mod patches;
mod plan;
pub(crate) use plan::from_file;
pub(crate) mod patches5;
pub(crate) mod references;
pub(crate) mod referrals;
mod replacements;
mod replicas;
pub(crate) mod steps;
pub(crate) mod variables;

use crate::config::Config;
use crate::dialect::Dialect;
use crate::error::RenderError;
use crate::kustomization::Kustomization;
use crate::patch::walk::Definitions;
use crate::render::Renderer;
use crate::resource::{Resource, Resources};

/// Applies all transformations of a kustomization. Patches are read in any case, so
/// that their errors are found; nothing is applied unless all objects are there.
pub(crate) fn run(
    renderer: &mut Renderer<'_>,
    kustomization: &Kustomization,
    config: &Config,
    resources: &mut Resources,
    is_whole: bool,
) {
    if renderer.dialect == Dialect::V5 {
        return run_steps(renderer, kustomization, config, resources, is_whole);
    }
    let before = renderer.errors.len();
    let strategic = patches::load_strategic(renderer, kustomization);
    let general = patches::load_general(renderer, kustomization);
    let json = patches::load_json(renderer, kustomization);
    if renderer.errors.len() > before || !is_whole {
        return;
    }
    let mut errors = Vec::new();
    patches::apply_strategic(kustomization, strategic, resources, &mut errors);
    patches::apply_general(kustomization, general, resources, &mut errors);
    metadata::namespace(kustomization, &config.namespace, resources, &mut errors);
    metadata::prefix(kustomization, &config.name_prefix, resources, &mut errors);
    metadata::labels(kustomization, config, resources, &mut errors);
    patches::apply_json(kustomization, json, resources, &mut errors);
    replicas::run(kustomization, &config.replicas, resources, &mut errors);
    images::run(kustomization, &config.images, resources, &mut errors);
    renderer.errors.append(&mut errors);
}

/// The error of a transformation on an object.
fn failed(kustomization: &Kustomization, field: &str, resource: &Resource, reason: String) -> RenderError {
    RenderError::Transform {
        place: kustomization.place(field),
        field: field.to_owned(),
        object: format!("{} (from {})", resource.current_id(), resource.origin),
        reason,
    }
}

fn run_steps(
    renderer: &mut Renderer<'_>,
    kustomization: &Kustomization,
    config: &Config,
    resources: &mut Resources,
    is_whole: bool,
) {
    let before = renderer.errors.len();
    let steps = plan::steps(renderer, kustomization, config);
    if renderer.errors.len() > before || !is_whole {
        return;
    }
    let custom = renderer.definitions();
    let definitions = custom.as_deref().map_or(Definitions::BuiltIn, Definitions::Custom);
    for step in steps {
        step.run(resources, definitions, &mut renderer.errors);
        // What follows would only echo what went wrong.
        if renderer.errors.len() > before {
            return;
        }
    }
}
