//! What the provider does against the simulated Azure, over real HTTP and in virtual time.

use std::time::Duration;

use kfplan_identity::{Cloud, Environment, Identity, SignIn};
use kfplan_plan::{Draft, Payload, Precondition, Recorded};
use kfplan_sim::{
    Arm, ArmSettings, AzureFault, Fault, Faults, Options, Request, Rule, Sandbox, SandboxOptions, every_fault,
};
use serde_json::{Value as Json, json};

use super::*;
use crate::kinds::tests::{cluster, expanded, group};
use crate::testing::{key, ownership, recorded};
use crate::{AccessMode, AzureError};

/// A simulated Azure with somebody signed in to it.
struct Sky {
    sandbox: Sandbox,
    azure: Azure,
    _folder: tempfile::TempDir,
}

impl Sky {
    async fn new() -> Sky {
        Sky::with(ArmSettings::default()).await
    }

    async fn with(settings: ArmSettings) -> Sky {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let world = Options { speed: 1, ..Options::default() };
        let options = SandboxOptions { world, front: Some(Box::new(Arm::new(settings))), port: None };
        let sandbox = Sandbox::open(folder.path(), options).expect("opens");
        let endpoints = sandbox.start().await.expect("starts");
        let url = &endpoints.azure_url;
        let cloud = Cloud::custom("sandbox", url, url, Some(endpoints.ca_pem.clone())).expect("a cloud");
        let environment: Environment = [
            ("AZURE_TENANT_ID", "11111111-1111-4111-8111-111111111111"),
            ("AZURE_CLIENT_ID", "22222222-2222-4222-8222-222222222222"),
            ("AZURE_CLIENT_SECRET", "sandbox-secret"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let sign_in = SignIn { credential: "auto".to_owned(), tenant: None, cloud };
        let identity = Identity::open(&sign_in, &environment).expect("opens");
        let azure = Azure::new(Arc::new(ArmClient::new(Arc::new(identity))), key());
        Sky { sandbox, azure, _folder: folder }
    }

    /// Lets virtual time pass.
    async fn pass(&self, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).expect("a short time");
        let pass = |world: &mut kfplan_sim::World, now: u64| {
            let from = world.now().max(now);
            world.advance(from + milliseconds);
        };
        self.sandbox.with_world(pass).await.expect("durable");
    }

    async fn faults(&self, rules: Vec<Rule>) {
        self.sandbox.with_world(|world, _| world.set_faults(Faults::script(1, rules))).await.expect("durable");
    }

    /// Somebody else's request.
    async fn stranger(&self, method: &str, path: &str, body: Option<Json>) -> (u16, Json) {
        let url = format!("https://management.azure.com{path}?api-version=2026-07-01");
        let answer = self.sandbox.with_world(|world, now| {
            let mut request = Request::new(method, &url);
            if let Some(body) = &body {
                request = request.with_json(body);
            }
            world.set_faults(Faults::none());
            let token = sign_in_as_stranger(world, now);
            let now = world.now().max(now);
            world.handle(now, &request.with("authorization", &format!("Bearer {token}")))
        });
        let answer = answer.await.expect("durable");
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    async fn begin(&self, draft: &Draft, action: Action, precondition: Precondition) -> Progress {
        let payload = draft.desired.clone().map(|desired| Payload { desired, force: Vec::new(), remove: Vec::new() });
        self.azure.begin(&Call { action, locator: draft.locator.clone(), payload, precondition }).await
    }

    /// Goes on until there is an end; gives what was waited for, and the end.
    async fn follow(&self, mut progress: Progress) -> (Vec<String>, Progress) {
        let mut said: Vec<String> = Vec::new();
        for _ in 0..2_000 {
            let Progress::Waiting { on, after, ticket } = progress else { return (said, progress) };
            if said.last() != Some(&on) {
                said.push(on);
            }
            self.pass(after).await;
            progress = self.azure.progress(&ticket).await;
        }
        panic!("it does not end: {said:?}");
    }

    /// Decides as the planner does, carries it out, and gives the record; with what was said.
    async fn apply(&self, draft: &Draft, before: Option<&Recorded>) -> (String, Recorded) {
        let (action, payload, precondition) = self.plan(draft, before).await;
        let call = Call { action, locator: draft.locator.clone(), payload: Some(payload), precondition };
        let (said, end) = self.follow(self.azure.begin(&call).await).await;
        let Progress::Done(applied) = end else { panic!("{action:?} of {}: {said:?}, then {end:?}", draft.address) };
        let desired = draft.desired.as_ref().expect("a body");
        let mut record = recorded(&draft.address.to_string(), &draft.locator, desired, &Json::Null);
        record.record.differences = applied.differences.clone();
        record.record.uid = applied.uid.clone();
        record.record.version = applied.version.clone();
        record.record.outputs = applied.outputs.clone();
        (format!("{action:?}: {}", said.join(", ")), record)
    }

    async fn plan(&self, draft: &Draft, before: Option<&Recorded>) -> (Action, Payload, Precondition) {
        let desired = draft.desired.clone().expect("a body");
        match self.seen(draft).await {
            None => (Action::Create, Payload { desired, force: Vec::new(), remove: Vec::new() }, Precondition::Absent),
            Some(live) => {
                let comparison = ArmRules.compare(&desired, before, &live, &ownership(), &[], &[], &key());
                let precondition = Precondition::Present {
                    uid: live.uid.clone(),
                    version: live.version.clone(),
                    fields: comparison.fields.expect("a digest"),
                };
                (Action::Update, Payload { desired, force: Vec::new(), remove: comparison.remove }, precondition)
            }
        }
    }

    async fn seen(&self, draft: &Draft) -> Option<Live> {
        match self.azure.observe(std::slice::from_ref(&draft.locator)).await.pop() {
            Some(Observation::Absent) => None,
            Some(Observation::Present(live)) => Some(*live),
            other => panic!("{other:?}"),
        }
    }

    /// What a plan right after would change, and what has drifted.
    async fn left(&self, draft: &Draft, record: &Recorded) -> String {
        let live = self.seen(draft).await.expect("it is there");
        assert_eq!(record.record.uid, live.uid, "{}", draft.address);
        let desired = draft.desired.as_ref().expect("a body");
        let comparison = ArmRules.compare(desired, Some(record), &live, &ownership(), &[], &[], &key());
        let drift = ArmRules.drift(record, &live, &ownership(), &key());
        let changes: Vec<String> = comparison.changes.iter().map(|change| format!("{change:?}")).collect();
        let drifts: Vec<String> = drift.iter().map(|drift| format!("{drift:?}")).collect();
        [changes, drifts].concat().join("\n")
    }

    async fn delete(&self, draft: &Draft) -> (Vec<String>, Progress) {
        let live = self.seen(draft).await;
        let precondition = live.map_or(Precondition::Anything, |live| Precondition::Present {
            uid: live.uid.clone(),
            version: None,
            fields: ArmRules.fingerprint(None, &live, &ownership(), &key()).expect("a digest"),
        });
        let call = Call { action: Action::Delete, locator: draft.locator.clone(), payload: None, precondition };
        self.follow(self.azure.begin(&call).await).await
    }
}

fn sign_in_as_stranger(world: &mut kfplan_sim::World, now: u64) -> String {
    let mut request = Request::new("POST", "/11111111-1111-4111-8111-111111111111/oauth2/v2.0/token");
    request.body = b"grant_type=client_credentials&client_id=22222222-2222-4222-8222-222222222222&client_secret=sandbox-secret&scope=https%3A%2F%2Fmanagement.azure.com%2F.default".to_vec();
    let request = request.with("content-type", "application/x-www-form-urlencoded");
    let now = world.now().max(now);
    let answer = world.handle(now, &request);
    let body: Json = serde_json::from_slice(&answer.body).expect("JSON");
    body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {body}")).to_owned()
}

/// Drafts with our marks.
fn drafts(resources: &[(&str, Json)]) -> Vec<Draft> {
    let marked = |draft: Result<Draft, Vec<kfplan_plan::Problem>>| {
        let mut draft = draft.unwrap_or_else(|problems| panic!("{problems:?}"));
        if let Some(desired) = &mut draft.desired {
            ArmRules.mark(desired, &draft.address, &ownership());
        }
        draft
    };
    expanded(resources).into_iter().map(marked).collect()
}

fn gpu_pool(more: Json) -> (&'static str, Json) {
    let mut fields = json!({"cluster": "${aks_cluster.main}", "vm_size": "Standard_NC4as_T4_v3", "mode": "user",
        "autoscale": {"min": 0, "max": 2}, "taints": ["sku=gpu:NoSchedule"]});
    crate::kinds::merge_at(&mut fields, &[], more);
    ("aks_node_pool.gpu", fields)
}

async fn with_group() -> (Sky, Vec<Draft>) {
    let sky = Sky::new().await;
    let drafts = drafts(&[group(), cluster(), gpu_pool(json!({}))]);
    sky.apply(&drafts[0], None).await;
    (sky, drafts)
}

const CLUSTER_PATH: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest/providers/Microsoft.ContainerService/managedClusters/KubeTestCluster";

#[tokio::test]
async fn the_guide_is_made_changed_and_taken_down() {
    let sky = Sky::new().await;
    let first = drafts(&[group(), cluster(), gpu_pool(json!({}))]);
    let mut records = Vec::new();
    let mut said = Vec::new();
    for draft in &first {
        let (words, record) = sky.apply(draft, None).await;
        said.push(words);
        records.push(record);
    }
    assert_eq!(said, ["Create: ", "Create: creating it, writing", "Create: creating it, writing"]);
    for (draft, record) in first.iter().zip(&records) {
        assert_eq!(sky.left(draft, record).await, "", "{}", draft.address);
    }
    assert!(records[1].record.outputs["fqdn"].as_str().is_some_and(|fqdn| fqdn.contains("azmk8s.io")));

    let mut bigger = cluster().1;
    bigger["tags"] = json!({"team": "ml"});
    bigger["tier"] = json!("standard");
    let second = drafts(&[
        group(),
        ("aks_cluster.main", bigger),
        gpu_pool(json!({"autoscale": {"min": 1, "max": 4}, "labels": {"a": "b"}})),
    ]);
    for (draft, record) in second.iter().zip(&mut records) {
        let (words, after) = sky.apply(draft, Some(record)).await;
        assert!(words.starts_with("Update: "), "{words}");
        *record = after;
        assert_eq!(sky.left(draft, record).await, "", "{}", draft.address);
    }
    // What is not stated any more is taken out.
    let mut cluster_draft = second[1].clone();
    if let Some(desired) = &mut cluster_draft.desired {
        desired.body["tags"].as_object_mut().expect("tags").remove("team");
    }
    let (_, after) = sky.apply(&cluster_draft, Some(&records[1])).await;
    assert_eq!(sky.left(&cluster_draft, &after).await, "");
    assert_eq!(sky.seen(&cluster_draft).await.expect("it is there").body["tags"].get("team"), None);

    for draft in second.iter().rev() {
        let (_, end) = sky.delete(draft).await;
        assert!(matches!(end, Progress::Gone), "{}: {end:?}", draft.address);
        assert!(sky.seen(draft).await.is_none());
        assert!(matches!(sky.delete(draft).await.1, Progress::Gone), "what is gone is gone");
    }
}

#[tokio::test]
async fn asking_twice_does_no_more_than_asking_once() {
    let (sky, drafts) = with_group().await;
    let (_, record) = sky.apply(&drafts[1], None).await;
    // Any write from here on would be answered 500.
    let no_writes = Rule { method: "PUT".into(), fault: Some(Fault::Status(500)), ..Rule::default() };
    sky.faults(vec![no_writes]).await;
    let (said, _) = sky.apply(&drafts[1], Some(&record)).await;
    assert_eq!(said, "Update: ");
    let again = sky.begin(&drafts[1], Action::Create, Precondition::Absent).await;
    assert!(matches!(again, Progress::Done(_)), "{again:?}");
    let refreshed = sky.begin(&drafts[1], Action::Refresh, Precondition::Anything).await;
    assert!(matches!(refreshed, Progress::Done(_)), "{refreshed:?}");
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_taken_up() {
    for fault in [Fault::ResetAfter, Fault::Truncate(20), Fault::Azure(AzureFault::DoneButUnavailable { status: 504 })]
    {
        let (sky, drafts) = with_group().await;
        sky.faults(vec![Rule::nth(1, "PUT", "managedClusters", fault.clone())]).await;
        let first = sky.begin(&drafts[1], Action::Create, Precondition::Absent).await;
        match &first {
            Progress::Failed(trouble) => assert_eq!(trouble.class, Class::Retryable, "{fault:?}: {trouble}"),
            other => panic!("{fault:?}: {other:?}"),
        }
        let (said, end) = sky.follow(sky.begin(&drafts[1], Action::Create, Precondition::Absent).await).await;
        assert_eq!(said, ["it is in state `Creating`"], "{fault:?}");
        assert!(matches!(end, Progress::Done(_)), "{fault:?}: {end:?}");
    }
}

#[tokio::test]
async fn a_create_that_lost_its_process_is_taken_up() {
    let (sky, drafts) = with_group().await;
    let begun = sky.begin(&drafts[1], Action::Create, Precondition::Absent).await;
    assert!(matches!(begun, Progress::Waiting { .. }), "{begun:?}");
    drop(begun);
    // The next plan sees that it is not done, and its update finds the running operation.
    let live = sky.seen(&drafts[1]).await.expect("it is there");
    let desired = drafts[1].desired.as_ref().expect("a body");
    assert!(ArmRules.is_ours(&live, &ownership()));
    let comparison = ArmRules.compare(desired, None, &live, &ownership(), &[], &[], &key());
    assert_eq!(
        comparison.changes.iter().map(|change| change.path.to_string()).collect::<Vec<_>>(),
        ["/properties/provisioningState"]
    );
    let (said, _) = sky.apply(&drafts[1], None).await;
    assert_eq!(said, "Update: it is in state `Creating`");
}

#[tokio::test]
async fn throttling_says_how_long_and_does_nothing() {
    let (sky, drafts) = with_group().await;
    sky.faults(vec![Rule::nth(1, "PUT", "", Fault::Azure(AzureFault::ThrottledByAks { seconds: 7 }))]).await;
    let begun = sky.begin(&drafts[1], Action::Create, Precondition::Absent).await;
    assert!(matches!(begun, Progress::Throttled { after } if after == Duration::from_secs(7)), "{begun:?}");
    assert!(sky.seen(&drafts[1]).await.is_none());
    sky.faults(vec![Rule::nth(1, "GET", "", Fault::Throttle(3))]).await;
    let begun = sky.begin(&drafts[1], Action::Create, Precondition::Absent).await;
    assert!(matches!(begun, Progress::Throttled { after } if after == Duration::from_secs(3)), "{begun:?}");
}

#[tokio::test]
async fn a_busy_cluster_is_waited_for() {
    let (sky, drafts) = with_group().await;
    sky.apply(&drafts[1], None).await;
    let mut other = gpu_pool(json!({"name": "other", "vm_size": "Standard_D4s_v3"}));
    other.0 = "aks_node_pool.other";
    let other = drafts_of_pool(other);
    let first = sky.begin(&drafts[2], Action::Create, Precondition::Absent).await;
    assert!(matches!(first, Progress::Waiting { .. }), "{first:?}");
    let second = sky.begin(&other, Action::Create, Precondition::Absent).await;
    let (said, end) = sky.follow(second).await;
    assert!(matches!(end, Progress::Done(_)), "{end:?}");
    assert!(said[0].starts_with("another operation is in the way: ") && said[0].contains("gpu - Creating"), "{said:?}");
    let (_, end) = sky.follow(first).await;
    assert!(matches!(end, Progress::Done(_)), "{end:?}");
}

fn drafts_of_pool(pool: (&'static str, Json)) -> Draft {
    drafts(&[group(), cluster(), pool]).pop().expect("a pool")
}

#[tokio::test]
async fn what_is_not_ours_is_not_taken() {
    let (sky, drafts) = with_group().await;
    let theirs = json!({"location": "westus2", "identity": {"type": "SystemAssigned"}, "properties": {"dnsPrefix": "x",
        "agentPoolProfiles": [{"name": "np", "count": 1, "vmSize": "Standard_D4s_v3", "mode": "System"}]}});
    let (status, body) = sky.stranger("PUT", CLUSTER_PATH, Some(theirs)).await;
    assert_eq!(status, 201, "{body}");
    let begun = sky.begin(&drafts[1], Action::Create, Precondition::Absent).await;
    assert!(
        matches!(&begun, Progress::Stale { moved } if moved[0].contains("without the marks of this stack")),
        "{begun:?}"
    );
}

#[tokio::test]
async fn only_what_matters_stales() {
    let (sky, drafts) = with_group().await;
    let (_, record) = sky.apply(&drafts[1], None).await;
    let mut wanted = drafts[1].clone();
    wanted.desired.as_mut().expect("a body").body["tags"]["team"] = json!("ml");
    let (action, mut payload, precondition) = sky.plan(&wanted, Some(&record)).await;
    let call = |payload: &Payload| Call {
        action,
        locator: drafts[1].locator.clone(),
        payload: Some(payload.clone()),
        precondition: precondition.clone(),
    };
    // A tag of a policy moves the eTag, and nothing that is stated.
    let patch = |name: &str, value: &str| {
        json!({"tags": {"kfplan-stack": "kubeflow", "kfplan-environment": "default", "kfplan-lineage": "l-1",
        "kfplan-address": "aks_cluster.main", name: value}})
    };
    let (status, _) = sky.stranger("PATCH", CLUSTER_PATH, Some(patch("policy", "x"))).await;
    assert_eq!(status, 200);
    sky.pass(Duration::from_secs(600)).await;
    let (_, end) = sky.follow(sky.azure.begin(&call(&payload)).await).await;
    assert!(matches!(end, Progress::Done(_)), "{end:?}");
    assert_eq!(sky.seen(&drafts[1]).await.expect("it is there").body["tags"]["policy"], "x", "what others added stays");
    // What is stated has another value now.
    let (status, _) = sky.stranger("PATCH", CLUSTER_PATH, Some(patch("team", "ops"))).await;
    assert_eq!(status, 200);
    sky.pass(Duration::from_secs(600)).await;
    payload.desired.body["tags"]["team"] = json!("web");
    let begun = sky.azure.begin(&call(&payload)).await;
    assert!(
        matches!(&begun, Progress::Stale { moved } if moved == &["`/tags/team` is \"ops\" now, and shall be \"web\""]),
        "{begun:?}"
    );
}

#[tokio::test]
async fn what_was_made_again_is_not_deleted() {
    let (sky, drafts) = with_group().await;
    sky.apply(&drafts[1], None).await;
    let live = sky.seen(&drafts[1]).await.expect("it is there");
    let precondition = Precondition::Present {
        uid: live.uid.clone().map(|uid| format!("{uid}x")),
        version: None,
        fields: ArmRules.fingerprint(None, &live, &ownership(), &key()).expect("a digest"),
    };
    let call = Call { action: Action::Delete, locator: drafts[1].locator.clone(), payload: None, precondition };
    assert!(matches!(sky.azure.begin(&call).await, Progress::Stale { .. }));
    assert!(sky.seen(&drafts[1]).await.is_some());
}

#[tokio::test]
async fn an_operation_that_fails_says_why_and_is_mended_by_asking_again() {
    let (sky, drafts) = with_group().await;
    let fails = AzureFault::OperationFails { code: "AllocationFailed".into(), message: "No room in westus2.".into() };
    sky.faults(vec![Rule::nth(1, "PUT", "managedClusters", Fault::Azure(fails))]).await;
    let (_, end) = sky.follow(sky.begin(&drafts[1], Action::Create, Precondition::Absent).await).await;
    match &end {
        Progress::Failed(trouble) => {
            assert_eq!((trouble.class, trouble.code.as_str()), (Class::Retryable, "AllocationFailed"));
            assert!(trouble.message.ends_with("KubeTestCluster`: No room in westus2"), "{}", trouble.message);
        }
        other => panic!("{other:?}"),
    }
    let (_, record) = sky.apply(&drafts[1], None).await;
    assert_eq!(sky.left(&drafts[1], &record).await, "");
}

#[tokio::test]
async fn no_fault_of_azure_keeps_a_create_from_its_end() {
    for fault in every_fault() {
        // These two end only when a person does something.
        if matches!(fault, AzureFault::OperationNeverEnds | AzureFault::Forbidden) {
            continue;
        }
        let (sky, drafts) = with_group().await;
        sky.faults(vec![Rule::nth(1, "PUT", "managedClusters", Fault::Azure(fault.clone()))]).await;
        let mut end = None;
        for _ in 0..5 {
            match sky.follow(sky.begin(&drafts[1], Action::Create, Precondition::Absent).await).await.1 {
                Progress::Done(applied) => {
                    end = Some(applied);
                    break;
                }
                Progress::Throttled { after } => sky.pass(after).await,
                // What somebody aborted is taken up by the next run, not by this one.
                Progress::Failed(trouble) if trouble.class == Class::Retryable || trouble.code == "Canceled" => {}
                other => panic!("{fault:?}: {other:?}"),
            }
        }
        let live = sky.seen(&drafts[1]).await.expect("it is there");
        assert!(end.is_some_and(|applied| applied.uid == live.uid), "{fault:?}");
        assert_eq!(live.body["properties"]["provisioningState"], "Succeeded", "{fault:?}");
    }
}

#[tokio::test]
async fn the_system_pool_is_rotated_by_another_name() {
    let (sky, first) = with_group().await;
    let (_, record) = sky.apply(&first[1], None).await;
    let mut fields = cluster().1;
    fields["system_pool"] = json!({"pool_name": "sys2", "vm_size": "Standard_D8s_v3", "count": 1});
    fields["tags"] = json!({"team": "ml"});
    let second = drafts(&[group(), ("aks_cluster.main", fields)]);
    let (said, record) = sky.apply(&second[1], Some(&record)).await;
    assert_eq!(
        said,
        "Update: adding pool `sys2` to it, adding pool `sys2` to, changing it, writing, draining and deleting pool `system` of it, draining and deleting pool `system` of"
    );
    assert_eq!(sky.left(&second[1], &record).await, "");
    let live = sky.seen(&second[1]).await.expect("it is there");
    let names: Vec<&Json> = live.body["properties"]["agentPoolProfiles"]
        .as_array()
        .expect("pools")
        .iter()
        .map(|pool| &pool["name"])
        .collect();
    assert_eq!(names, ["sys2"]);
}

#[tokio::test]
async fn other_types_take_their_time_in_their_own_manner() {
    let (sky, _) = with_group().await;
    let resource = |name: &'static str, kind: &str, body: Json| {
        (
            name,
            json!({"parent": "${resource_group.main}", "type": kind, "api_version": "2023-01-01", "name": "kfplanthing", "location": "westus2", "body": body}),
        )
    };
    let all = drafts(&[
        group(),
        resource(
            "azure_resource.storage",
            "Microsoft.Storage/storageAccounts",
            json!({"sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}),
        ),
        resource(
            "azure_resource.net",
            "Microsoft.Network/virtualNetworks",
            json!({"properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}}}),
        ),
        resource("azure_resource.identity", "Microsoft.ManagedIdentity/userAssignedIdentities", json!({})),
    ]);
    for draft in &all[1..] {
        let (_, record) = sky.apply(draft, None).await;
        assert_eq!(sky.left(draft, &record).await, "", "{}", draft.address);
    }
    let Locator::Arm(place) = &all[0].locator else { panic!("a group is in ARM") };
    let contents =
        sky.azure.survey(&[Container::Group(place.clone())]).await.pop().expect("an answer").expect("a list");
    let ours = contents.iter().filter(|(_, live)| ArmRules.is_ours(live, &ownership())).count();
    assert_eq!((contents.len(), ours), (3, 3));
    for draft in all[1..].iter().rev() {
        let (_, end) = sky.delete(draft).await;
        assert!(matches!(end, Progress::Gone), "{}: {end:?}", draft.address);
    }
}

#[tokio::test]
async fn a_list_is_read_to_its_last_page() {
    let (sky, drafts) = with_group().await;
    sky.apply(&drafts[1], None).await;
    for name in ["a", "b", "c", "d", "e"] {
        let pool = drafts_of_pool(gpu_pool(json!({"name": name, "vm_size": "Standard_D2s_v3"})));
        sky.apply(&pool, None).await;
    }
    let pools = sky
        .azure
        .client()
        .list(&format!("{CLUSTER_PATH}/agentPools"), crate::AKS_API_VERSION, "")
        .await
        .expect("a list");
    assert_eq!(pools.len(), 6);
}

#[tokio::test]
async fn not_allowed_and_not_there_are_answers() {
    let (sky, drafts) = with_group().await;
    sky.faults(vec![Rule::nth(1, "GET", "managedClusters", Fault::Azure(AzureFault::Forbidden))]).await;
    let seen =
        sky.azure.observe(&[drafts[0].locator.clone(), drafts[1].locator.clone(), drafts[2].locator.clone()]).await;
    assert!(matches!(seen[0], Observation::Present(_)), "{:?}", seen[0]);
    assert!(
        seen[1..].iter().any(|seen| matches!(seen, Observation::Denied(why) if why.contains("authorization"))),
        "{seen:?}"
    );
    assert!(seen[1..].iter().any(|seen| matches!(seen, Observation::Absent)), "{seen:?}");
    // A subscription that is not there is no answer about what would be in it.
    let nowhere = Locator::Arm(kfplan_plan::ArmLocator {
        id: "/subscriptions/99999999-0000-0000-0000-000000000000/resourceGroups/x".to_owned(),
        api_version: crate::GROUP_API_VERSION.to_owned(),
    });
    let seen = sky.azure.observe(&[nowhere]).await;
    assert!(matches!(&seen[0], Observation::Failed(trouble) if trouble.class == Class::Auth), "{seen:?}");
}

#[tokio::test]
async fn a_subscription_is_found_by_id_or_name() {
    let settings = ArmSettings {
        subscriptions: [("0000000a", "Research"), ("0000000b", "Production"), ("0000000c", "Production")]
            .map(|(id, name)| (format!("{id}-0000-0000-0000-000000000000"), name.to_owned()))
            .into(),
        ..ArmSettings::default()
    };
    let sky = Sky::with(settings).await;
    let client = sky.azure.client();
    let found = client.subscription("Research").await.expect("one");
    assert_eq!(
        (found.id.as_str(), found.tenant.as_str()),
        ("0000000a-0000-0000-0000-000000000000", "11111111-1111-4111-8111-111111111111")
    );
    assert_eq!(client.subscription("0000000B-0000-0000-0000-000000000000").await.expect("one").name, "Production");
    let twice = client.subscription("Production").await.expect_err("two");
    assert!(matches!(&twice, AzureError::AmbiguousSubscription { ids, .. } if ids.len() == 2), "{twice}");
    let none = client.subscription("Elsewhere").await.expect_err("none");
    assert!(none.help().contains("Research (0000000a-"), "{}", none.help());
}

#[tokio::test]
async fn credentials_come_in_the_mode_that_the_cluster_takes() {
    let (sky, drafts) = with_group().await;
    sky.apply(&drafts[1], None).await;
    let id = ArmId::new(CLUSTER_PATH);
    let client = sky.azure.client();
    for (auth, mode) in [
        ("auto", AccessMode::User),
        ("user", AccessMode::User),
        ("aad", AccessMode::Aad),
        ("local_admin", AccessMode::LocalAdmin),
    ] {
        let access = client.cluster_access(&id, auth).await.expect(auth);
        assert_eq!(access.mode, mode, "{auth}");
        assert!(access.kubeconfig().contains("clusters"), "{auth}");
        assert!(!format!("{access:?}").contains("clusters"));
    }
    let mut fields = cluster().1;
    fields["aad"] = json!({"azure_rbac": true});
    fields["local_accounts"] = json!(false);
    let second = self::drafts(&[group(), ("aks_cluster.main", fields)]);
    sky.apply(&second[1], None).await;
    assert_eq!(client.cluster_access(&id, "auto").await.expect("auto").mode, AccessMode::Aad);
    let refused = client.cluster_access(&id, "local_admin").await.expect_err("turned off");
    assert!(matches!(refused, AzureError::NoLocalAccounts { .. }), "{refused}");
}

#[tokio::test]
async fn a_survey_asks_the_simulated_azure() {
    let (sky, drafts) = with_group().await;
    let considered: Vec<crate::Considered<'_>> =
        drafts.iter().map(|draft| crate::Considered { draft, live: None }).collect();
    let needs = crate::Needs::of(&considered);
    let survey = sky.azure.client().survey("00000000-0000-0000-0000-000000000000", &needs).await;
    assert!(survey.unasked.is_empty(), "{:?}", survey.unasked);
    let region = &survey.regions["westus2"];
    assert!(region.versions.iter().any(|offer| offer.version == "1.34" && offer.real && !offer.patches.is_empty()));
    assert!(region.versions.iter().any(|offer| offer.version == "1.21" && !offer.real && offer.ended.is_some()));
    assert_eq!(region.sizes["standard_nc4as_t4_v3"].gpus, 1);
    assert!(region.quotas["cores"].limit > 0);
    assert!(survey.providers.values().all(|state| state == "Registered"), "{:?}", survey.providers);
    let notes = crate::preflight_azure(&considered, &[].into(), &survey);
    assert!(notes.is_empty(), "{notes:?}");

    sky.faults(vec![Rule {
        path: "usages".into(),
        fault: Some(Fault::Azure(AzureFault::Forbidden)),
        ..Rule::default()
    }])
    .await;
    let survey = sky.azure.client().survey("00000000-0000-0000-0000-000000000000", &needs).await;
    assert_eq!(survey.unasked.len(), 1, "{:?}", survey.unasked);
    assert!(survey.regions["westus2"].quotas.is_empty() && !survey.regions["westus2"].sizes.is_empty());
}
