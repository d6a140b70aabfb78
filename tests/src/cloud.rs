//! The simulated cloud as another client sees it: served by a process of its own, asked with plain HTTPS.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::sync::Once;

use base64::Engine as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::place::Place;
use crate::shared::until;

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000000";
const TENANT: &str = "11111111-1111-4111-8111-111111111111";
const CLIENT: &str = "22222222-2222-4222-8222-222222222222";
const ARM: &str = "application/json";

/// A sandbox that `kfplan sandbox` serves for as long as this value lives.
#[derive(Debug)]
pub struct Cloud {
    child: Child,
    azure_url: String,
    token: String,
    http: Http,
}

/// The Kubernetes API of a cluster, with the credentials that `kfplan credentials` gives.
#[derive(Debug)]
pub struct Cluster {
    server: String,
    token: String,
    http: Http,
}

#[derive(Debug)]
struct Http {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Cloud {
    /// Serves the sandbox of a place.
    ///
    /// # Panics
    ///
    /// When it cannot be served.
    #[must_use]
    pub fn serve(place: &Place) -> Self {
        let child = place
            .command(&["sandbox"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the built binary can be started");
        let note = place.path().join(".kfplan/sandbox/served.json");
        let served: Json = until("a served sandbox", || {
            let served: Json = serde_json::from_str(&std::fs::read_to_string(&note).ok()?).ok()?;
            (served["process"] == child.id()).then_some(served)
        });
        let http = Http::trusting(text(&served["ca_pem"]).as_bytes());
        let azure_url = text(&served["azure_url"]);
        let token = http.sign_in(&azure_url);
        Self { child, azure_url, token, http }
    }

    /// What Azure answers.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    #[must_use]
    pub fn azure(&self, method: &str, path: &str, body: Option<&Json>) -> (u16, Json) {
        let url = format!("{}{SUBSCRIPTION}{path}", self.azure_url);
        self.http.ask(method, &url, &self.token, ARM, body)
    }

    /// Every group and resource of the subscription, as Azure lists them.
    ///
    /// # Panics
    ///
    /// When Azure does not answer.
    #[must_use]
    pub fn listing(&self) -> Vec<Json> {
        let list = |path: &str| {
            let (status, body) = self.azure("GET", path, None);
            assert!(status == 200, "GET {path}: {status} {body}");
            body["value"].as_array().cloned().unwrap_or_default()
        };
        let mut all = list("/resourcegroups?api-version=2021-04-01");
        all.extend(list("/resources?api-version=2021-04-01"));
        all
    }

    /// Every resource, group, and pool in Azure that carries the mark of a stack: its address and its id.
    ///
    /// # Panics
    ///
    /// When Azure does not answer.
    #[must_use]
    pub fn marked(&self, stack: &str) -> Vec<(String, String)> {
        let list = |path: &str| {
            let (status, body) = self.azure("GET", path, None);
            assert!(status == 200, "GET {path}: {status} {body}");
            body["value"].as_array().cloned().unwrap_or_default()
        };
        let clusters = list("/providers/Microsoft.ContainerService/managedClusters?api-version=2024-09-01");
        let mut all = list("/resourcegroups?api-version=2021-04-01");
        for cluster in &clusters {
            let id = text(&cluster["id"]);
            let path = id.get(SUBSCRIPTION.len()..).unwrap_or_default();
            all.extend(list(&format!("{path}/agentPools?api-version=2024-09-01")));
        }
        all.extend(clusters);
        let tag = |thing: &Json, name: &str| {
            let tags = if thing["tags"].is_object() { &thing["tags"] } else { &thing["properties"]["tags"] };
            text(&tags[name])
        };
        let mut found: Vec<(String, String)> = all
            .iter()
            .filter(|thing| tag(thing, "kfplan-stack") == stack)
            .map(|thing| (tag(thing, "kfplan-address"), text(&thing["id"]).to_lowercase()))
            .collect();
        found.sort();
        found
    }

    /// The cluster of a place's stack.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn cluster(&self, place: &Place) -> Cluster {
        Cluster::of_kubeconfig(&place.run(&["credentials", "--sandbox", "--print"]).exits(0).out)
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // Killed on purpose: the world is durable before an answer leaves.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One kind in one version, as discovery names it.
#[derive(Debug)]
pub(crate) struct Listable {
    pub(crate) base: String,
    /// Group and version.
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) kind: String,
}

impl Cluster {
    /// The cluster of a kubeconfig that has one, with a token and the certificate in itself.
    ///
    /// # Panics
    ///
    /// When it has not.
    #[must_use]
    pub fn of_kubeconfig(config: &str) -> Self {
        let field = |name: &str| {
            let line = config.lines().map(str::trim).find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned()).unwrap_or_else(|| panic!("no `{name}` in the kubeconfig"))
        };
        let ca = base64::engine::general_purpose::STANDARD
            .decode(field("certificate-authority-data:"))
            .expect("a certificate in base64");
        Self { server: field("server:"), token: field("token:"), http: Http::trusting(&ca) }
    }

    /// The same cluster, for a user with another token.
    #[must_use]
    pub(crate) fn with_token(kubeconfig: &str, token: &str) -> Self {
        Self { token: token.to_owned(), ..Self::of_kubeconfig(kubeconfig) }
    }

    /// What is at a path; `None` when nothing is.
    ///
    /// # Panics
    ///
    /// When the server answers with neither.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Json> {
        let (status, body) = crate::shared::until("an answer", || {
            // A real server says so while it makes ready what a CRD defines.
            let (status, body) = self.ask("GET", path, ARM, None);
            (status != 429).then_some((status, body))
        });
        assert!(status == 200 || status == 404, "GET {path}: {status} {body}");
        (status == 200).then_some(body)
    }

    /// Changes fields as somebody else would.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub fn merge(&self, path: &str, manager: &str, patch: &Json) {
        let path = format!("{path}?fieldManager={manager}");
        let (status, body) = self.ask("PATCH", &path, "application/merge-patch+json", Some(patch));
        assert!(status == 200, "PATCH {path}: {status} {body}");
    }

    /// Creates an object as somebody else would.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub fn create(&self, path: &str, object: &Json) {
        let (status, body) = self.ask("POST", &format!("{path}?fieldManager=kubectl-create"), ARM, Some(object));
        assert!(status == 201, "POST {path}: {status} {body}");
    }

    /// Deletes an object as somebody else would.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub fn delete(&self, path: &str) {
        let (status, body) = self.ask("DELETE", path, ARM, None);
        assert!(status < 300, "DELETE {path}: {status} {body}");
    }

    /// Every object that carries the mark of a stack: its address and its uid.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    #[must_use]
    pub fn marked(&self, stack: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for path in self.listable() {
            let list = self.get(&format!("{path}?labelSelector=kfplan.dev/stack%3D{stack}")).unwrap_or_default();
            for object in list["items"].as_array().into_iter().flatten() {
                let address = text(&object["metadata"]["annotations"]["kfplan.dev/address"]);
                if address.is_empty() {
                    // Controllers copy labels to what they make, such as a Service's EndpointSlices.
                    let managers = object["metadata"]["managedFields"].as_array().into_iter().flatten();
                    let ours = managers.filter(|entry| text(&entry["manager"]).starts_with("kfplan")).count();
                    assert!(ours == 0, "applied without an address: {object}");
                    continue;
                }
                let twice = found.insert(address.clone(), text(&object["metadata"]["uid"]));
                assert!(twice.is_none(), "`{address}` is there twice");
            }
        }
        found
    }

    /// The path of everything that is there, but for what servers and controllers come and go with: leases and events.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    #[must_use]
    pub fn everything(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for path in self.listable() {
            let kind = path.rsplit('/').next().unwrap_or_default();
            if matches!(kind, "leases" | "events" | "componentstatuses") {
                continue;
            }
            let list = self.get(&path).unwrap_or_default();
            for object in list["items"].as_array().into_iter().flatten() {
                let name = |key: &str| text(&object["metadata"][key]);
                found.insert(format!("{path} {}/{}", name("namespace"), name("name")));
            }
        }
        found
    }

    /// The path of every kind that can be listed, in the version that the server prefers among those that have it.
    fn listable(&self) -> Vec<String> {
        let groups = self.get("/apis").unwrap_or_default();
        let groups = groups["groups"].as_array().into_iter().flatten();
        let versions = groups.flat_map(|group| {
            let all = group["versions"].as_array().into_iter().flatten();
            std::iter::once(&group["preferredVersion"]).chain(all)
        });
        let kinds = self.kinds_of(versions.map(|version| text(&version["groupVersion"])).collect());
        let mut seen = BTreeSet::new();
        let first = kinds.into_iter().filter(|kind| {
            let group = kind.version.split_once('/').map_or("", |(group, _)| group);
            seen.insert((group.to_owned(), kind.plural.clone()))
        });
        first.map(|kind| format!("{}/{}", kind.base, kind.plural)).collect()
    }

    /// Every kind that can be listed, in every version that is served.
    pub(crate) fn kinds(&self) -> Vec<Listable> {
        let groups = self.get("/apis").unwrap_or_default();
        let groups = groups["groups"].as_array().into_iter().flatten();
        let versions = groups.flat_map(|group| group["versions"].as_array().into_iter().flatten());
        self.kinds_of(versions.map(|version| text(&version["groupVersion"])).collect())
    }

    fn kinds_of(&self, versions: Vec<String>) -> Vec<Listable> {
        let bases = versions.into_iter().map(|version| (format!("/apis/{version}"), version));
        let mut found = Vec::new();
        for (base, version) in std::iter::once(("/api/v1".to_owned(), "v1".to_owned())).chain(bases) {
            let kinds = self.get(&base).unwrap_or_default();
            for kind in kinds["resources"].as_array().into_iter().flatten() {
                if kind["verbs"].as_array().is_some_and(|verbs| verbs.contains(&json!("list"))) {
                    let (plural, kind) = (text(&kind["name"]), text(&kind["kind"]));
                    found.push(Listable { base: base.clone(), version: version.clone(), plural, kind });
                }
            }
        }
        assert!(found.len() > 10, "discovery names only {found:?}");
        found
    }

    /// Asks anything: the status and the body, whatever they are.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, form: &str, body: Option<&Json>) -> (u16, Json) {
        self.http.ask(method, &format!("{}{path}", self.server), &self.token, form, body)
    }

    /// Applies a manifest as somebody else would, by server-side apply.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub fn apply(&self, path: &str, manifest: &str) {
        let url = format!("{}{path}?fieldManager=kubectl", self.server);
        let text = Some(manifest.to_owned());
        let (status, body) = self.http.ask_with("PATCH", &url, &self.token, "application/apply-patch+yaml", text);
        assert!(status < 300, "PATCH {path}: {status} {body}");
    }
}

impl Http {
    fn trusting(ca: &[u8]) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Fails only when a provider is installed already, and then there is one.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let certificates = reqwest::Certificate::from_pem_bundle(ca).expect("the server's certificates");
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_merge(certificates)
            .timeout(std::time::Duration::from_secs(30))
            .build()
            .expect("a client with its certificates");
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime of this thread");
        Self { client, runtime }
    }

    fn sign_in(&self, azure_url: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={CLIENT}&client_secret=sandbox-secret&scope={azure_url}/.default"
        );
        let url = format!("{azure_url}/{TENANT}/oauth2/v2.0/token");
        let request = self.client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
        let (status, body) = self.send(request);
        assert!(status == 200, "signing in: {status} {body}");
        text(&body["access_token"])
    }

    fn ask(&self, method: &str, url: &str, token: &str, form: &str, body: Option<&Json>) -> (u16, Json) {
        self.ask_with(method, url, token, form, body.map(ToString::to_string))
    }

    fn ask_with(&self, method: &str, url: &str, token: &str, form: &str, body: Option<String>) -> (u16, Json) {
        let method = Method::from_bytes(method.as_bytes()).expect("a method of HTTP");
        let mut request = self.client.request(method, url).bearer_auth(token).header("accept", ARM);
        if let Some(body) = body {
            request = request.header("content-type", form).body(body);
        }
        self.send(request)
    }

    fn send(&self, request: reqwest::RequestBuilder) -> (u16, Json) {
        self.runtime.block_on(async {
            let answer = request.send().await.expect("the server answers");
            let status: StatusCode = answer.status();
            let body = answer.text().await.expect("a whole answer");
            (status.as_u16(), serde_json::from_str(&body).unwrap_or_default())
        })
    }
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
