//! Components: kustomizations that work on what their parent has so far.

use std::rc::Rc;

use kfplan_objects::yaml;

use crate::error::{Place, RenderError};
use crate::kustomization::{Kustomization, Named};
use crate::load::YAML;
use crate::patch::custom::Custom;
use crate::render::{Accumulated, DEPTH, Renderer, VISITS};

impl Renderer<'_> {
    /// Lets a component work on what its parent has so far.
    pub(crate) fn component(
        &mut self,
        kustomization: &Kustomization,
        entry: &Named,
        mut accumulated: Accumulated,
    ) -> Accumulated {
        let place = Place::new(&kustomization.file, entry.at);
        let before = self.errors.len();
        let found = self.enter(&kustomization.file, entry, &place).and_then(|path| {
            let component = self.kustomization(&path, &place)?;
            if !component.is_component {
                let reason = "it is no component: its `kind` must be `Component`".to_owned();
                let (place, field) = (component.place("kind"), "kind".to_owned());
                self.errors.push(RenderError::Field { place, field, reason });
            }
            Some((path, component))
        });
        self.visits += 1;
        let nested = self.chain.len() >= DEPTH;
        if nested || self.visits > VISITS {
            let limit = if nested { DEPTH } else { VISITS };
            self.errors.push(RenderError::TooMany { place, limit, nested });
        } else if let Some((path, component)) = found {
            self.settle_first(&component);
            self.chain.push(path);
            accumulated = self.accumulate(&component, accumulated);
            self.chain.pop();
        }
        accumulated.is_broken |= self.errors.len() > before;
        accumulated
    }

    /// What only the first kustomization that says it decides: the definitions to merge by;
    /// and what only the outermost one does: the order of the output.
    pub(crate) fn settle_first(&mut self, kustomization: &Kustomization) {
        if self.chain.is_empty() {
            self.sorting.clone_from(&kustomization.sorting);
            self.build = kustomization.build_metadata;
        }
        let (None, Some(entry)) = (&self.definitions, &kustomization.openapi) else { return };
        let Some((path, content)) = self.load(&kustomization.file, entry, &entry.value) else { return };
        let Some(text) = self.text(&path, &content) else { return };
        match yaml::parse_documents(text, YAML) {
            Ok(documents) => {
                let document = documents.into_iter().next().unwrap_or_default();
                self.definitions = Some(Rc::new(Custom::new(document)));
            }
            Err(source) => self.errors.push(RenderError::Yaml { place: Place::new(&path, source.at()), source }),
        }
    }
}
