//! The provider against the simulated API server, over TLS, with the rules that judge what it brings.
//!
//! An object goes the whole way: asked for, applied, recorded, looked at, compared. Requests are counted by the server.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kfplan_contract::{Call, Progress, Provider};
use kfplan_kubernetes::{Access, Kubernetes};
use kfplan_model::{Address, Path, ResourceAddress};
use kfplan_objects::identity::{Scopes, place};
use kfplan_objects::{ObjectRules, yaml};
use kfplan_plan::{
    Action, Applied, Class, Comparison, Desired, DryRun, DryRunAnswer, Gate, GateState, Live, Locator, ObjectLocator,
    Observation, Ownership, Payload, Precondition, Probe, Protection, RECORD_FORMAT, Record, RecordState, Recorded,
    Rules, RunId, StackKey, Trouble,
};
use kfplan_sim::{ClusterOrder, Fleet, PoolOrder, Sandbox, SandboxOptions};
use serde_json::{Value as Json, json};

const CLUSTER: &str = "kubernetes_cluster.main";

struct Given(String);

#[async_trait]
impl Access for Given {
    async fn kubeconfig(&self, _: &ResourceAddress) -> Result<String, Trouble> {
        Ok(self.0.clone())
    }
}

struct Cloud {
    sandbox: Sandbox,
    provider: Kubernetes,
    _folder: tempfile::TempDir,
}

fn ownership() -> Ownership {
    Ownership {
        stack: "s".to_owned(),
        environment: "default".to_owned(),
        lineage: "l".to_owned(),
        manager: "kfplan:s".to_owned(),
    }
}

fn key() -> StackKey {
    StackKey::from_bytes([3; 32])
}

fn cluster() -> ResourceAddress {
    CLUSTER.parse().expect("an address")
}

impl Cloud {
    async fn new() -> Self {
        Self::of_version("1.34.4").await
    }

    async fn of_version(version: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = Sandbox::open(&folder.path().join("world"), SandboxOptions::default()).expect("it opens");
        sandbox.start().await.expect("it starts");
        let version = version.to_owned();
        sandbox
            .with_world(move |world, now| {
                let order = ClusterOrder {
                    uid: "c1".into(),
                    name: "one".into(),
                    version,
                    fqdn: "one.example".into(),
                    ..ClusterOrder::default()
                };
                world.kube_mut().create_cluster(now, &order);
                let pool = PoolOrder { name: "system".into(), count: 1, mode: "System".into(), ..PoolOrder::default() };
                world.kube_mut().set_nodes(now, "c1", &pool);
                world.advance(now + 1_000);
            })
            .await
            .expect("a cluster");
        let access = Arc::new(Given(sandbox.kubeconfig("c1").expect("a kubeconfig")));
        Self { sandbox, provider: Kubernetes::new(access, ownership(), key()), _folder: folder }
    }

    /// Lets time pass in the world: controllers do what is due.
    async fn later(&self) {
        self.sandbox
            .with_world(|world, now| {
                let end = world.now().max(now) + 10_000;
                world.advance(end);
            })
            .await
            .expect("time passes");
    }

    /// The requests of a verb since the last call, by resource.
    async fn requests(&self, verb: &str) -> BTreeMap<String, u64> {
        let verb = verb.to_owned();
        self.sandbox
            .with_world(move |world, _| {
                let found = world.kube().requests("c1");
                found
                    .into_iter()
                    .filter(|((of, _), _)| *of == verb)
                    .map(|((_, resource), count)| (resource, count))
                    .collect()
            })
            .await
            .expect("an answer")
    }

    async fn forget_requests(&self) {
        self.sandbox.with_world(|world, _| world.kube_mut().forget_requests("c1")).await.expect("an answer");
    }

    async fn look(&self, locator: &ObjectLocator) -> Observation {
        let mut found = self.provider.observe(&[Locator::Object(locator.clone())]).await;
        found.pop().expect("an answer")
    }

    async fn live(&self, locator: &ObjectLocator) -> Live {
        match self.look(locator).await {
            Observation::Present(live) => *live,
            other => panic!("{locator:?} is {other:?}"),
        }
    }

    async fn begin(&self, action: Action, thing: &Thing, precondition: Precondition) -> Progress {
        let payload = Payload { desired: thing.desired.clone(), force: Vec::new(), remove: Vec::new() };
        self.provider
            .begin(&Call {
                action,
                locator: Locator::Object(thing.locator.clone()),
                payload: Some(payload),
                precondition,
            })
            .await
    }

    /// Creates a thing, and gives what would be recorded of it.
    async fn create(&self, thing: &Thing) -> Recorded {
        match self.begin(Action::Create, thing, Precondition::Absent).await {
            Progress::Done(applied) => thing.recorded(*applied),
            other => panic!("{other:?}"),
        }
    }

    /// What somebody else does, as another manager.
    async fn hand(&self, thing: &Thing, body: &Json, manager: &str) {
        let mut other = ownership();
        other.manager = manager.to_owned();
        let access = Arc::new(Given(self.sandbox.kubeconfig("c1").expect("a kubeconfig")));
        let hand = Kubernetes::new(access, other, key());
        let force = vec![Path::root()];
        let desired = Desired { body: body.clone(), ..Desired::default() };
        let call = Call {
            action: Action::Update,
            locator: Locator::Object(thing.locator.clone()),
            payload: Some(Payload { desired, force, remove: Vec::new() }),
            precondition: Precondition::Anything,
        };
        let done = hand.begin(&call).await;
        assert!(matches!(done, Progress::Done(_)), "{done:?}");
    }

    async fn probe(&self, thing: &Thing, probe: Probe) -> GateState {
        let locator = Locator::Object(thing.locator.clone());
        self.provider
            .probe(&Gate { locator, probe, timeout: 1, why: String::new() })
            .await
            .expect("it can be looked at")
    }
}

/// An object that is wanted.
#[derive(Clone)]
struct Thing {
    locator: ObjectLocator,
    address: Address,
    desired: Desired,
}

impl Thing {
    fn of(body: &Json) -> Self {
        let locator = place(body, &cluster(), &Scopes::default(), "default").expect("a place").locator;
        let address = Address::object("manifests.m".parse().expect("an address"), locator.object_id());
        let is_secret = locator.kind == "Secret";
        let secret = ["/data", "/stringData"].map(|path| path.parse().expect("a path"));
        let sensitive = if is_secret { secret.to_vec() } else { Vec::new() };
        let mut desired = Desired { body: body.clone(), holes: Vec::new(), sensitive };
        ObjectRules.mark(&mut desired, &address, &ownership());
        Self { locator, address, desired }
    }

    fn yaml(text: &str) -> Self {
        Self::of(&yaml::parse_documents(text, yaml::Dialect::Kustomize5).expect("YAML").pop().expect("a document"))
    }

    fn with(&self, edit: impl FnOnce(&mut Json)) -> Self {
        let mut other = self.clone();
        edit(&mut other.desired.body);
        other
    }

    fn recorded(&self, applied: Applied) -> Recorded {
        let record = Record {
            format: RECORD_FORMAT,
            address: self.address.clone(),
            locator: Locator::Object(self.locator.clone()),
            cluster: None,
            state: RecordState::Settled,
            uid: applied.uid,
            version: applied.version,
            after: Vec::new(),
            container: None,
            application: None,
            protection: Protection::None,
            outputs: BTreeMap::new(),
            sent: None,
            differences: applied.differences,
            owned: applied.owned,
            adopted: false,
            run: RunId("r".to_owned()),
            sequence: 1,
        };
        Recorded { record, sent: Some(key().seal(self.desired.body.clone(), &self.desired.sensitive)) }
    }

    fn compared(&self, recorded: &Recorded, live: &Live) -> Comparison {
        ObjectRules.compare(&self.desired, Some(recorded), live, &ownership(), &[], &[], &key())
    }

    /// Everything that is to do or to say.
    fn found(&self, recorded: &Recorded, live: &Live) -> Comparison {
        Comparison { fields: None, ..self.compared(recorded, live) }
    }

    fn present(&self, live: &Live) -> Precondition {
        let fields = ObjectRules.fingerprint(Some(&self.desired), live, &ownership(), &key()).expect("a digest");
        Precondition::Present { uid: live.uid.clone(), version: live.version.clone(), fields }
    }
}

const NAMESPACE: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: app}}";

const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: app, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: nginx:1.27
        ports: [{containerPort: 80}]
        env: [{name: A, value: '1'}]
        resources: {limits: {cpu: 1000m, memory: 1024Mi}}
        securityContext: {}
";

fn map(name: &str, namespace: &str) -> Thing {
    Thing::of(
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"k": "v"}}),
    )
}

fn on_runtime(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(test);
}

#[test]
fn looking_costs_one_list_a_kind_and_no_get() {
    on_runtime(async {
        let cloud = Cloud::new().await;
        for name in ["a", "b", "c"] {
            cloud
                .create(&Thing::of(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})))
                .await;
            for number in 0..3 {
                cloud.create(&map(&format!("m{number}"), name)).await;
            }
        }
        let mut places: Vec<Locator> = Vec::new();
        for name in ["a", "b", "c", "nowhere"] {
            places.extend((0..4).map(|number| Locator::Object(map(&format!("m{number}"), name).locator)));
            places.push(Locator::Object(
                Thing::of(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).locator,
            ));
        }
        let unknown = ObjectLocator { group: "x.io".to_owned(), kind: "Thing".to_owned(), ..map("t", "a").locator };
        places.push(Locator::Object(unknown));
        cloud.forget_requests().await;
        let found = cloud.provider.observe(&places).await;
        assert_eq!(
            cloud.requests("list").await,
            BTreeMap::from([("configmaps".to_owned(), 1), ("namespaces".to_owned(), 1)])
        );
        assert_eq!(cloud.requests("get").await, BTreeMap::new());
        let count = |what: fn(&Observation) -> bool| found.iter().filter(|it| what(it)).count();
        assert_eq!(count(|it| matches!(it, Observation::Present(_))), 12);
        assert_eq!(count(|it| matches!(it, Observation::Absent)), 8);
        assert_eq!(count(|it| matches!(it, Observation::NotServed)), 1);
    });
}

#[test]
fn what_was_applied_is_quiet_and_what_somebody_changes_is_named() {
    on_runtime(async {
        for version in ["1.34.4", "1.21.14"] {
            let cloud = Cloud::of_version(version).await;
            cloud.create(&Thing::yaml(NAMESPACE)).await;
            let web = Thing::yaml(WEB);
            let recorded = cloud.create(&web).await;
            cloud.later().await;
            let live = cloud.live(&web.locator).await;
            assert_eq!(web.found(&recorded, &live), Comparison::default(), "{version}");
            assert_eq!(ObjectRules.drift(&recorded, &live, &ownership(), &key()), [], "{version}");
            let theirs = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "app"}, "spec": {"replicas": 5}});
            cloud.hand(&web, &theirs, "somebody").await;
            let live = cloud.live(&web.locator).await;
            let drift = ObjectRules.drift(&recorded, &live, &ownership(), &key());
            let found: Vec<_> = drift
                .iter()
                .map(|it| (it.path.to_string(), it.witness.as_ref().map(|it| it.manager.as_str())))
                .collect();
            assert_eq!(found, [("/spec/replicas".to_owned(), Some("somebody"))], "{version}");
            let comparison = web.compared(&recorded, &live);
            assert_eq!(comparison.force.len(), 1, "{version}");
            // Unforced it is refused with the manager's name; forced it is taken back, and all is quiet again.
            let refused = cloud.begin(Action::Update, &web, web.present(&live)).await;
            assert!(
                matches!(&refused, Progress::Failed(it) if it.class == Class::Conflict && it.message.contains("somebody")),
                "{refused:?}"
            );
            let payload = Payload { desired: web.desired.clone(), force: comparison.force, remove: Vec::new() };
            let call = Call {
                action: Action::Update,
                locator: Locator::Object(web.locator.clone()),
                payload: Some(payload),
                precondition: web.present(&live),
            };
            let Progress::Done(applied) = cloud.provider.begin(&call).await else { panic!("it is taken back") };
            let live = cloud.live(&web.locator).await;
            assert_eq!(web.found(&web.recorded(*applied), &live), Comparison::default(), "{version}");
        }
    });
}

#[test]
fn a_create_never_takes_over_what_is_there() {
    on_runtime(async {
        let cloud = Cloud::new().await;
        let thing = map("m", "default");
        cloud.hand(&thing, &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default"}, "data": {"k": "theirs"}}), "them").await;
        let done = cloud.begin(Action::Create, &thing, Precondition::Absent).await;
        assert!(matches!(done, Progress::Stale { .. }), "{done:?}");
        assert_eq!(cloud.live(&thing.locator).await.body["data"]["k"], "theirs");
    });
}

#[test]
fn only_what_matters_makes_a_step_stale() {
    on_runtime(async {
        let cloud = Cloud::new().await;
        cloud.create(&Thing::yaml(NAMESPACE)).await;
        let web = Thing::yaml(WEB);
        cloud.create(&web).await;
        let seen = cloud.live(&web.locator).await;
        // Pods come up, and the status with them.
        cloud.later().await;
        assert_ne!(cloud.live(&web.locator).await.version, seen.version);
        let wanted = web.with(|body| body["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:1.28"));
        let done = cloud.begin(Action::Update, &wanted, wanted.present(&seen)).await;
        assert!(matches!(done, Progress::Done(_)), "{done:?}");
        // Now the image has moved.
        let done = cloud.begin(Action::Update, &wanted, wanted.present(&seen)).await;
        assert!(matches!(&done, Progress::Stale { moved } if moved.len() == 1), "{done:?}");
    });
}

#[test]
fn a_delete_carries_the_uid_and_waits_until_the_object_is_gone() {
    on_runtime(async {
        let cloud = Cloud::new().await;
        let held = Thing::of(
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default", "finalizers": ["x.io/hold"]}}),
        );
        cloud.create(&held).await;
        let live = cloud.live(&held.locator).await;
        let delete = |precondition| Call {
            action: Action::Delete,
            locator: Locator::Object(held.locator.clone()),
            payload: None,
            precondition,
        };
        let fields = ObjectRules.fingerprint(None, &live, &ownership(), &key()).expect("a digest");
        let other = Precondition::Present { uid: Some("another".to_owned()), version: None, fields: fields.clone() };
        assert!(matches!(cloud.provider.begin(&delete(other)).await, Progress::Stale { .. }));
        let this = Precondition::Present { uid: live.uid.clone(), version: None, fields };
        let Progress::Waiting { on, ticket, .. } = cloud.provider.begin(&delete(this)).await else {
            panic!("it waits")
        };
        assert!(on.contains("x.io/hold"), "{on}");
        assert!(ObjectRules.is_going(&cloud.live(&held.locator).await));
        let freed = held.with(|body| {
            body["metadata"].as_object_mut().expect("a map").remove("finalizers");
        });
        let done = cloud.begin(Action::Update, &freed, Precondition::Anything).await;
        assert!(matches!(done, Progress::Done(_)), "{done:?}");
        assert!(matches!(cloud.provider.progress(&ticket).await, Progress::Gone));
        let gone = cloud.provider.begin(&delete(Precondition::Anything)).await;
        assert!(matches!(gone, Progress::Gone), "{gone:?}");
    });
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    on_runtime(async {
        let cloud = Cloud::new().await;
        let ask = |thing: &Thing| DryRun {
            locator: thing.locator.clone(),
            desired: thing.desired.clone(),
            force: Vec::new(),
        };
        let wrong = Thing::of(
            &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}, "spec": {"ports": [{"port": 99999}]}}),
        );
        let theirs = map("theirs", "default");
        cloud.hand(&theirs, &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": "default"}, "data": {"k": "x"}}), "them").await;
        let questions = [ask(&map("m", "default")), ask(&map("m", "nowhere")), ask(&wrong), ask(&theirs)];
        let answers = cloud.provider.dry_run(&questions).await;
        assert!(
            matches!(&answers[0], DryRunAnswer::Accepted(live) if live.body["data"]["k"] == "v"),
            "{:?}",
            answers[0]
        );
        assert!(matches!(&answers[1], DryRunAnswer::NotPossible(_)), "{:?}", answers[1]);
        assert!(matches!(&answers[2], DryRunAnswer::Refused(it) if it.class == Class::Permanent), "{:?}", answers[2]);
        let path: Path = "/data/k".parse().expect("a path");
        assert_eq!(answers[3], DryRunAnswer::Conflicts(vec![("them".to_owned(), path)]));
        assert!(matches!(cloud.look(&map("m", "default").locator).await, Observation::Absent));
    });
}

#[test]
fn the_text_of_a_secret_stays_quiet_after_it_became_data() {
    on_runtime(async {
        let cloud = Cloud::new().await;
        let secret = Thing::of(
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}, "stringData": {"password": "hunter2"}}),
        );
        let recorded = cloud.create(&secret).await;
        assert!(!format!("{recorded:?}").contains("hunter2"));
        let live = cloud.live(&secret.locator).await;
        assert_eq!(live.body["data"]["password"], "aHVudGVyMg==");
        assert_eq!(secret.compared(&recorded, &live).changes, []);
        assert_eq!(ObjectRules.drift(&recorded, &live, &ownership(), &key()), []);
        cloud.hand(&secret, &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}, "data": {"password": "eA=="}}), "them").await;
        let live = cloud.live(&secret.locator).await;
        assert_eq!(ObjectRules.drift(&recorded, &live, &ownership(), &key()).len(), 1);
    });
}

/// An object without what the server counts.
fn content(live: &Live) -> Json {
    let mut body = live.body.clone();
    let metadata = body["metadata"].as_object_mut().expect("a map");
    for key in ["resourceVersion", "managedFields", "generation"] {
        metadata.remove(key);
    }
    if metadata.get("annotations").and_then(Json::as_object).is_some_and(serde_json::Map::is_empty) {
        metadata.remove("annotations");
    }
    body
}

#[test]
fn a_patch_is_taken_off_and_leaves_the_object_as_it_was() {
    on_runtime(async {
        for version in ["1.34.4", "1.21.14"] {
            let cloud = Cloud::of_version(version).await;
            let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dns", "namespace": "kube-system", "labels": {"a": "b"}}, "data": {"zone": "old", "same": "same"}});
            let patch = Thing::of(
                &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dns", "namespace": "kube-system", "annotations": {"patch.kfplan.dev/dns": ""}}, "data": {"zone": "new", "more": "more", "same": "same"}}),
            );
            let nothing = cloud.begin(Action::Update, &patch, Precondition::Anything).await;
            assert!(matches!(&nothing, Progress::Failed(it) if it.code == "no_target"), "{nothing:?}");
            cloud.hand(&patch, &theirs, "them").await;
            let before = cloud.live(&patch.locator).await;
            let payload =
                Payload { desired: patch.desired.clone(), force: vec![Path::keys(["data"])], remove: Vec::new() };
            let call = |action| Call {
                action,
                locator: Locator::Object(patch.locator.clone()),
                payload: Some(payload.clone()),
                precondition: Precondition::Anything,
            };
            let Progress::Done(applied) = cloud.provider.begin(&call(Action::Update)).await else {
                panic!("it is patched")
            };
            let recorded = patch.recorded(*applied);
            let live = cloud.live(&patch.locator).await;
            assert_eq!(live.body["data"], json!({"zone": "new", "more": "more", "same": "same"}), "{version}");
            assert!(!ObjectRules.is_ours(&live, &ownership()));
            assert_eq!(patch.found(&recorded, &live), Comparison::default(), "{version}");
            // A field that is no longer stated goes back at once, and the others stay.
            let smaller = patch.with(|body| drop(body["data"].as_object_mut().expect("a map").remove("zone")));
            let Progress::Done(applied) = cloud.begin(Action::Update, &smaller, Precondition::Anything).await else {
                panic!("it is patched")
            };
            let live = cloud.live(&patch.locator).await;
            assert_eq!(live.body["data"], json!({"zone": "old", "more": "more", "same": "same"}), "{version}");
            assert_eq!(smaller.found(&smaller.recorded(*applied), &live), Comparison::default(), "{version}");
            let gone = cloud.provider.begin(&call(Action::Delete)).await;
            assert!(matches!(gone, Progress::Gone), "{gone:?}");
            let after = cloud.live(&patch.locator).await;
            assert_eq!(content(&after), content(&before), "{version}");
            assert!(
                !after.body["metadata"]["managedFields"].to_string().contains("Apply\",\"manager\":\"kfplan"),
                "{version}"
            );
        }
    });
}

#[test]
fn a_release_of_what_is_no_patch_is_refused() {
    on_runtime(async {
        let cloud = Cloud::new().await;
        let thing = map("m", "default");
        cloud.create(&thing).await;
        let done = cloud.begin(Action::Delete, &thing, Precondition::Anything).await;
        assert!(matches!(done, Progress::Failed(_)), "{done:?}");
        assert!(matches!(cloud.look(&thing.locator).await, Observation::Present(_)));
    });
}

const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, kind: Gadget, listKind: GadgetList, singular: gadget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, required: [size], properties: {size: {type: integer}}}}}}
";

const WEBHOOK: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: gadgets, annotations: {cert-manager.io/inject-ca-from: app/hook}}
webhooks:
- name: gadgets.example.com
  sideEffects: None
  failurePolicy: Fail
  admissionReviewVersions: [v1]
  clientConfig: {caBundle: Q0E=, service: {namespace: app, name: hook, path: /validate}}
  rules: [{apiGroups: [example.com], apiVersions: [v1], resources: [gadgets], operations: [CREATE, UPDATE]}]
";

#[test]
fn gates_open_when_what_they_wait_for_works() {
    on_runtime(async {
        let cloud = Cloud::new().await;
        cloud.create(&Thing::yaml(NAMESPACE)).await;
        let crd = Thing::yaml(CRD);
        let established = || Probe::Established { versions: vec!["v1".to_owned()] };
        assert!(matches!(cloud.probe(&crd, established()).await, GateState::Closed(_)));
        cloud.create(&crd).await;
        cloud.later().await;
        assert_eq!(cloud.probe(&crd, established()).await, GateState::Open);
        let hook = Thing::yaml(WEBHOOK);
        cloud.create(&hook).await;
        let answers = || Probe::WebhookAnswers { webhook: None };
        assert!(matches!(cloud.probe(&hook, answers()).await, GateState::Closed(_)));
        cloud.create(&Thing::yaml("{apiVersion: v1, kind: Service, metadata: {name: hook, namespace: app}, spec: {selector: {app: web}, ports: [{port: 443, targetPort: 80}]}}")).await;
        let web = Thing::yaml(WEB);
        cloud.create(&web).await;
        let state = cloud.probe(&web, Probe::Ready).await;
        assert!(matches!(&state, GateState::Closed(why) if why.contains("pods")), "{state:?}");
        for _ in 0..6 {
            cloud.later().await;
        }
        assert_eq!(cloud.probe(&web, Probe::Ready).await, GateState::Open);
        // What it intercepts has yet to come: then it has proven nothing.
        let early =
            Thing::yaml(&WEBHOOK.replace("gadgets", "widgets").replace("[example.com]", "[widgets.example.com]"));
        cloud.create(&early).await;
        let state = cloud.probe(&early, answers()).await;
        assert!(matches!(&state, GateState::Closed(why) if why.contains("is served yet")), "{state:?}");
        cloud.forget_requests().await;
        assert_eq!(cloud.probe(&hook, answers()).await, GateState::Open);
        // It was proven by a dry run, which made nothing.
        assert_eq!(cloud.requests("create").await.get("gadgets.example.com"), Some(&1));
        assert_eq!(cloud.requests("delete").await.get("gadgets.example.com"), None);
        assert!(
            cloud.provider.survey(&[kfplan_plan::Container::Definition(crd.locator.clone())]).await[0]
                .as_ref()
                .expect("it can be listed")
                .is_empty()
        );
    });
}

#[test]
fn a_webhook_that_takes_no_dry_run_is_proven_by_a_canary_that_goes_again() {
    on_runtime(async {
        let cloud = Cloud::of_version("1.21.14").await;
        cloud.create(&Thing::yaml(NAMESPACE)).await;
        let crd = Thing::yaml(CRD);
        cloud.create(&crd).await;
        cloud.create(&Thing::yaml("{apiVersion: v1, kind: Service, metadata: {name: hook, namespace: app}, spec: {selector: {app: web}, ports: [{port: 443, targetPort: 80}]}}")).await;
        cloud.create(&Thing::yaml(WEB)).await;
        for _ in 0..6 {
            cloud.later().await;
        }
        // As webhooks of the time of Kubernetes 1.15 do not say what they do, and v1 does not take one that says `Some`.
        let hook = Thing::yaml(
            &WEBHOOK
                .replace("io/v1\n", "io/v1beta1\n")
                .replace("  sideEffects: None\n", "")
                .replace("admissionReviewVersions: [v1]", "admissionReviewVersions: [v1beta1]"),
        );
        cloud.create(&hook).await;
        cloud.forget_requests().await;
        for round in 1..3 {
            let state = cloud.probe(&hook, Probe::WebhookAnswers { webhook: None }).await;
            assert_eq!(state, GateState::Open, "{round}");
            assert_eq!(cloud.requests("create").await.get("gadgets.example.com"), Some(&round));
            assert_eq!(cloud.requests("delete").await.get("gadgets.example.com"), Some(&round));
        }
        let left = cloud.provider.survey(&[kfplan_plan::Container::Definition(crd.locator.clone())]).await;
        assert!(left[0].as_ref().expect("it can be listed").is_empty());
    });
}

#[test]
fn a_cluster_says_who_it_is_and_what_it_serves() {
    on_runtime(async {
        for version in ["1.34.4", "1.21.14"] {
            let cloud = Cloud::of_version(version).await;
            let mut found = cloud.provider.discover(&[cluster()]).await;
            let discovery = found.remove(&cluster()).expect("an answer").expect("it answers");
            assert!(version.starts_with(&discovery.version), "{}", discovery.version);
            assert!(!discovery.identity.is_empty());
            let key = ("apps".to_owned(), "v1".to_owned(), "Deployment".to_owned());
            assert_eq!(discovery.kinds.get(&key).map(|it| it.plural.as_str()), Some("deployments"));
            let old = ("policy".to_owned(), "v1beta1".to_owned(), "PodDisruptionBudget".to_owned());
            assert_eq!(discovery.kinds.contains_key(&old), version.starts_with("1.21"));
            assert_eq!(discovery.dead_webhooks, []);
            cloud.create(&Thing::yaml(WEBHOOK)).await;
            let mut found = cloud.provider.discover(&[cluster()]).await;
            let discovery = found.remove(&cluster()).expect("an answer").expect("it answers");
            assert_eq!(discovery.dead_webhooks.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["gadgets"]);
        }
    });
}
