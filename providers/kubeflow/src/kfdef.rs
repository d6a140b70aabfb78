//! KfDef files: what `kfctl` installed from.

use kfplan_kustomize::Place;
use kfplan_objects::yaml::{self, Dialect, Kind, Node};
use kfplan_plan::{Note, Severity};

use crate::error::{KubeflowError, KubeflowErrors, checked};

/// The application that makes a KfDef one of stacks, whose overlays and parameters
/// `kfctl` ignores.
const STACKS: &str = "kubeflow-apps";

/// A KfDef.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KfDef {
    /// The installation's name; most files leave it to the tool.
    pub name: Option<String>,
    /// The namespace of Kubeflow itself.
    pub namespace: String,
    /// Which Kubeflow this is, as far as the file says.
    pub version: Option<String>,
    /// The applications, in order; of two with the same name, the first.
    pub applications: Vec<KfApplication>,
    /// Where the repositories come from.
    pub repos: Vec<KfRepo>,
    /// What the author may not have meant, and what is not done as `kfctl` did it.
    pub notes: Vec<Note>,
}

/// One application of a KfDef.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KfApplication {
    /// Its name.
    pub name: String,
    /// Where it stands in the file.
    pub place: Place,
    /// The repository it comes from.
    pub repo: String,
    /// The folder of its kustomization.
    pub path: String,
    /// Overlays, of KfDefs of the older kind.
    pub overlays: Vec<String>,
    /// Parameters with their values, of KfDefs of the older kind.
    pub parameters: Vec<(String, String)>,
}

/// A repository of a KfDef.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KfRepo {
    /// Its name.
    pub name: String,
    /// Where `kfctl` would fetch it. Not fetched here.
    pub uri: String,
}

impl KfDef {
    /// Reads a KfDef. `file` is its name, for messages.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, KubeflowErrors> {
        let documents = yaml::parse(text, Dialect::Kustomize3).map_err(|source| {
            let place = Place { file: file.to_owned(), at: Some(source.at()) };
            KubeflowErrors(vec![KubeflowError::Yaml { place, source }])
        })?;
        let Some(document) = documents.into_iter().next() else {
            let place = Place { file: file.to_owned(), at: None };
            return Err(KubeflowErrors(vec![KubeflowError::NotKfDef { place, found: "an empty file".to_owned() }]));
        };
        let mut reader = Reader { file, errors: Vec::new(), notes: Vec::new() };
        for duplicate in &document.duplicates {
            let message =
                format!("`{}` is set twice in {file}, at {} and {}", duplicate.key, duplicate.first, duplicate.at);
            reader.notes.push(note("kubeflow::duplicate_key", message));
        }
        let kfdef = reader.kfdef(&document.root);
        let notes = std::mem::take(&mut reader.notes);
        checked(Self { notes, ..kfdef }, reader.errors)
    }

    /// Whether this is a KfDef of stacks, each application of which is a kustomization
    /// as it stands.
    #[must_use]
    pub fn uses_stacks(&self) -> bool {
        self.applications.iter().any(|application| application.name == STACKS)
    }

    /// Why the KfDef cannot be rendered, when it is of the older kind.
    pub(crate) fn legacy(&self, file: &str) -> Option<KubeflowError> {
        if self.uses_stacks() {
            return None;
        }
        let built: Vec<&str> = self
            .applications
            .iter()
            .filter(|application| !application.overlays.is_empty() || !application.parameters.is_empty())
            .map(|application| application.name.as_str())
            .collect();
        let reason = match built.first() {
            Some(first) => format!(
                "{} of its {} applications (the first is `{first}`) have `overlays` and `parameters`, which kfctl melted into kustomizations of its own",
                built.len(),
                self.applications.len()
            ),
            None => {
                format!("kfctl would put all of it into the namespace `{}` and rewrite its parameters", self.namespace)
            }
        };
        Some(KubeflowError::Legacy { place: Place { file: file.to_owned(), at: None }, reason })
    }
}

/// A note of this crate that somebody should read.
pub(crate) fn note(code: &str, message: String) -> Note {
    Note { severity: Severity::Warning, code: code.to_owned(), address: None, message, help: None }
}

struct Reader<'a> {
    file: &'a str,
    errors: Vec<KubeflowError>,
    notes: Vec<Note>,
}

impl Reader<'_> {
    fn place(&self, node: &Node) -> Place {
        Place { file: self.file.to_owned(), at: Some(node.at) }
    }

    fn wrong(&mut self, node: &Node, field: &str, reason: impl Into<String>) {
        let place = self.place(node);
        self.errors.push(KubeflowError::Field { place, field: field.to_owned(), reason: reason.into() });
    }

    /// Says which fields of a map nothing is known about; `kfctl` passed over them.
    fn unknown(&mut self, node: &Node, path: &str, known: &[&str]) {
        let Kind::Map(entries) = &node.kind else { return };
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let message = format!("{}:{}: `{path}{}` means nothing in a KfDef", self.file, entry.at.line, entry.key);
            self.notes.push(note("kubeflow::unknown_field", message));
        }
    }

    fn text(&mut self, node: &Node, field: &str) -> Option<String> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Number(number) => Some(number.to_string()),
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Null => None,
            Kind::List(_) | Kind::Map(_) => {
                self.wrong(node, field, format!("is {}; it must be text", node.what()));
                None
            }
        }
    }

    fn text_of(&mut self, node: &Node, path: &str, name: &str) -> Option<String> {
        self.text(node.get(name)?, &format!("{path}.{name}"))
    }

    fn list<'n>(&mut self, node: Option<&'n Node>, field: &str) -> &'n [Node] {
        match node.map(|node| (&node.kind, node)) {
            Some((Kind::List(items), _)) => items,
            None | Some((Kind::Null, _)) => &[],
            Some((_, node)) => {
                self.wrong(node, field, format!("is {}; it must be a list", node.what()));
                &[]
            }
        }
    }

    fn kfdef(&mut self, root: &Node) -> KfDef {
        let mut kfdef = KfDef::default();
        if !self.check_kind(root) {
            return kfdef;
        }
        self.unknown(root, "", &["apiVersion", "kind", "metadata", "spec", "status"]);
        if let Some(metadata) = root.get("metadata") {
            kfdef.name = self.text_of(metadata, "metadata", "name");
            kfdef.namespace = self.text_of(metadata, "metadata", "namespace").unwrap_or_default();
        }
        if kfdef.namespace.is_empty() {
            self.wrong(root.get("metadata").unwrap_or(root), "metadata.namespace", "is missing");
        }
        let Some(spec) = root.get("spec") else {
            self.wrong(root, "spec", "is missing");
            return kfdef;
        };
        self.unknown(spec, "spec.", &["version", "applications", "plugins", "secrets", "repos"]);
        kfdef.version = self.text_of(spec, "spec", "version");
        for (place, item) in self.list(spec.get("repos"), "spec.repos").iter().enumerate() {
            kfdef.repos.extend(self.repo(item, place));
        }
        for (place, item) in self.list(spec.get("applications"), "spec.applications").iter().enumerate() {
            if let Some(application) = self.application(item, place) {
                self.take(&mut kfdef, application);
            }
        }
        if kfdef.uses_stacks() {
            self.say_what_is_ignored(&kfdef);
        }
        self.extras(spec);
        kfdef
    }

    fn check_kind(&mut self, root: &Node) -> bool {
        let place = self.place(root);
        let text = |name: &str| root.get(name).and_then(Node::as_text).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let error = match (api_version, kind) {
            ("kfdef.apps.kubeflow.org/v1" | "kfdef.apps.kubeflow.org/v1beta1", "KfDef") => return true,
            ("kfdef.apps.kubeflow.org/v1alpha1", _) => KubeflowError::V1Alpha1 { place },
            ("", "") => KubeflowError::NotKfDef { place, found: root.what().to_owned() },
            (api_version, kind) => KubeflowError::NotKfDef { place, found: format!("a `{kind}` of `{api_version}`") },
        };
        self.errors.push(error);
        false
    }

    fn repo(&mut self, item: &Node, place: usize) -> Option<KfRepo> {
        let path = format!("spec.repos[{place}]");
        let name = self.text_of(item, &path, "name");
        let uri = self.text_of(item, &path, "uri").unwrap_or_default();
        if name.is_none() {
            self.wrong(item, &format!("{path}.name"), "is missing");
        }
        Some(KfRepo { name: name?, uri })
    }

    fn application(&mut self, item: &Node, place: usize) -> Option<KfApplication> {
        let path = format!("spec.applications[{place}]");
        self.unknown(item, &format!("{path}."), &["name", "kustomizeConfig"]);
        let name = self.text_of(item, &path, "name").filter(|name| !name.is_empty());
        if name.is_none() {
            self.wrong(item, &format!("{path}.name"), "is missing");
        }
        let config_path = format!("{path}.kustomizeConfig");
        let Some(config) = item.get("kustomizeConfig") else {
            self.wrong(item, &config_path, "is missing");
            return None;
        };
        self.unknown(config, &format!("{config_path}."), &["repoRef", "overlays", "parameters"]);
        let reference_path = format!("{config_path}.repoRef");
        let reference = config.get("repoRef");
        let text = |reader: &mut Self, name: &str| {
            reference.and_then(|node| reader.text_of(node, &reference_path, name)).filter(|text| !text.is_empty())
        };
        let (repo, folder) = (text(self, "name"), text(self, "path"));
        for (name, value) in [("name", &repo), ("path", &folder)] {
            if value.is_none() {
                self.wrong(reference.unwrap_or(config), &format!("{reference_path}.{name}"), "is missing");
            }
        }
        let mut overlays = Vec::new();
        for overlay in self.list(config.get("overlays"), &format!("{config_path}.overlays")) {
            overlays.extend(self.text(overlay, &format!("{config_path}.overlays")));
        }
        let mut parameters = Vec::new();
        for parameter in self.list(config.get("parameters"), &format!("{config_path}.parameters")) {
            let path = format!("{config_path}.parameters");
            let name = self.text_of(parameter, &path, "name").unwrap_or_default();
            parameters.push((name, self.text_of(parameter, &path, "value").unwrap_or_default()));
        }
        Some(KfApplication { name: name?, place: self.place(item), repo: repo?, path: folder?, overlays, parameters })
    }

    fn take(&mut self, kfdef: &mut KfDef, application: KfApplication) {
        let name = &application.name;
        if kfdef.applications.iter().any(|known| known.name == *name) {
            let message =
                format!("{}: a second application `{name}` is skipped, as kfctl skipped it", application.place);
            self.notes.push(note("kubeflow::duplicate_application", message));
            return;
        }
        kfdef.applications.push(application);
    }

    fn say_what_is_ignored(&mut self, kfdef: &KfDef) {
        for application in &kfdef.applications {
            let ignored = match (application.overlays.is_empty(), application.parameters.is_empty()) {
                (true, true) => continue,
                (false, true) => "overlays",
                (true, false) => "parameters",
                (false, false) => "overlays and parameters",
            };
            let message = format!(
                "{}: the {ignored} of `{}` have no effect: kfctl ignores them in a KfDef with `{STACKS}`",
                application.place, application.name
            );
            let mut note = note("kubeflow::ignored_parameters", message);
            note.help = Some("say the same with a patch of the stack, or take them out".to_owned());
            self.notes.push(note);
        }
    }

    /// What kfctl did beside applying manifests.
    fn extras(&mut self, spec: &Node) {
        for plugin in self.list(spec.get("plugins"), "spec.plugins") {
            let kind = plugin.get("kind").and_then(Node::as_text).unwrap_or("a plugin");
            let message = format!(
                "{}: the plugin `{kind}` is not run; what it did to the cloud is left to the stack",
                self.place(plugin)
            );
            self.notes.push(note("kubeflow::plugin", message));
        }
        for secret in self.list(spec.get("secrets"), "spec.secrets") {
            let message = format!("{}: secrets of a KfDef are not read", self.place(secret));
            self.notes.push(note("kubeflow::secret", message));
        }
    }
}
