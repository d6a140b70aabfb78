//! What entries name: folders of the kustomization's own files, and what lies somewhere
//! else. Rings are found here, and nothing leaves the place that it lies in.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Place, RenderError};
use crate::files::join;
use crate::kustomization::Named;
use crate::remote::Remote;
use crate::render::{Renderer, is_below, is_inside, shown};
use crate::resource::Resource;

impl Renderer<'_> {
    /// The objects of a folder that is not a part of what is rendered, but says how.
    pub(crate) fn objects_of_folder(&mut self, file: &str, entry: &Named) -> Option<Vec<Resource>> {
        let place = Place::new(file, entry.at);
        let path = self.enter(file, entry, &place)?;
        self.directory(&path, &place).map(|accumulated| accumulated.resources.0)
    }

    /// The folder that an entry names, unless it cannot be entered.
    pub(crate) fn enter(&mut self, file: &str, entry: &Named, place: &Place) -> Option<String> {
        let path = match self.mounted(entry, place)? {
            Some(path) => path,
            None => self.resolve(file, entry, &entry.value)?,
        };
        if !self.files.is_directory(&path) {
            let (place, field) = (place.clone(), entry.field.clone());
            self.errors.push(RenderError::Missing { place, field, path });
            return None;
        }
        self.check_ring(&path, place)?;
        Some(path)
    }

    /// Where what an entry names is found, if it lies somewhere else; `None` when it is not
    /// there, which is an error.
    pub(crate) fn mounted(&mut self, entry: &Named, place: &Place) -> Option<Option<String>> {
        let Some((remote, folder)) = Remote::parse(&entry.value) else { return Some(None) };
        match self.files.remote(&remote) {
            Ok(Some(root)) => {
                let path = join(&root, &folder).filter(|path| is_below(path, &root));
                self.mounts.insert(root, remote);
                if path.is_none() {
                    let (place, field, path) = (place.clone(), entry.field.clone(), entry.value.clone());
                    self.errors.push(RenderError::Outside { place, field, path });
                }
                path.map(Some)
            }
            Ok(None) => {
                let (place, field, url) = (place.clone(), entry.field.clone(), entry.value.clone());
                self.errors.push(RenderError::Remote { place, field, url });
                None
            }
            Err(source) => {
                self.errors.push(RenderError::Read { place: place.clone(), source });
                None
            }
        }
    }

    /// The place of something else that a path lies in.
    pub(crate) fn mount_of(&self, path: &str) -> Option<&str> {
        self.mounts.keys().map(String::as_str).find(|root| is_below(path, root))
    }

    pub(crate) fn check_ring(&mut self, path: &str, place: &Place) -> Option<()> {
        if self.chain.iter().any(|visited| is_inside(visited, path)) {
            let path = shown(path);
            let chain = self.chain.iter().map(|visited| shown(visited)).chain([path.clone()]).collect();
            self.errors.push(RenderError::Cycle { place: place.clone(), path, chain });
            return None;
        }
        Some(())
    }

    /// The files that were read, and those of what lies somewhere else.
    pub(crate) fn read_by_origin(&self) -> (Vec<String>, BTreeMap<Remote, BTreeSet<String>>) {
        let mut own = Vec::new();
        let mut remotes: BTreeMap<Remote, BTreeSet<String>> = BTreeMap::new();
        for path in &self.read {
            match self.mounts.iter().find(|(root, _)| is_below(path, root)) {
                None => own.push(path.clone()),
                Some((root, remote)) => {
                    let within = path.strip_prefix(root.as_str()).unwrap_or(path).trim_start_matches('/');
                    remotes.entry(remote.clone()).or_default().insert(within.to_owned());
                }
            }
        }
        (own, remotes)
    }
}
