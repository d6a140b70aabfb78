//! What is a change, what is drift, and what is neither; mostly against what Azure really answered.

use kfplan_model::{Address, Path};
use kfplan_plan::{ArmLocator, Draft, Shown};
use serde_json::json;

use super::*;
use crate::kinds::tests::{cluster, expanded, group};
use crate::testing::{answer, key, ownership, recorded};

/// The draft of the last resource, marked.
fn draft(resources: &[(&str, Json)]) -> Draft {
    let mut draft = expanded(resources).pop().expect("a resource").expect("nothing wrong");
    if let Some(desired) = &mut draft.desired {
        ArmRules.mark(desired, &draft.address, &ownership());
    }
    draft
}

fn live(body: Json) -> Live {
    Live { body, uid: None, version: None }
}

fn shown(value: &Shown) -> String {
    match value {
        Shown::Absent => "nothing".to_owned(),
        Shown::Value(value) => value.to_string(),
        Shown::Secret(tag) => format!("secret {tag}"),
        Shown::Late(late) => late.template.to_string(),
        Shown::Unknown => "not recorded".to_owned(),
    }
}

fn told(comparison: &Comparison) -> String {
    let mut text = String::new();
    for change in &comparison.changes {
        let why = change.replaces.as_ref().map(|why| format!(" REPLACES: {why}")).unwrap_or_default();
        text += &format!("{}: {} -> {}{why}\n", change.path, shown(&change.old), shown(&change.new));
    }
    for path in &comparison.remove {
        text += &format!("remove {path}\n");
    }
    for path in &comparison.yielded {
        text += &format!("yield {path}\n");
    }
    for drift in &comparison.drift {
        let by = drift.witness.as_ref().map(|by| format!(" by {} at {:?}", by.manager, by.time)).unwrap_or_default();
        text += &format!("drift {}: {} -> {}{by}\n", drift.path, shown(&drift.old), shown(&drift.new));
    }
    for note in &comparison.notes {
        text +=
            &format!("{:?} {}: {}; {}\n", note.severity, note.code, note.message, note.help.as_deref().unwrap_or("-"));
    }
    text
}

/// What comparing says of a draft beside a live body, with the record of an earlier draft that made `made`.
fn compared(draft: &Draft, now: &Json, before: Option<(&Draft, &Json)>, ignore: &[&str]) -> String {
    let desired = draft.desired.as_ref().expect("a body");
    let record = before.map(|(draft, made)| {
        recorded(&draft.address.to_string(), &draft.locator, draft.desired.as_ref().expect("a body"), made)
    });
    let ignore: Vec<Path> = ignore.iter().map(|path| path.parse().expect("a path")).collect();
    told(&ArmRules.compare(desired, record.as_ref(), &live(now.clone()), &ownership(), &ignore, &[], &key()))
}

/// The live body with our marks, as it is after an apply.
fn marked(mut body: Json, draft: &Draft) -> Json {
    let desired = draft.desired.as_ref().expect("a body");
    for place in [&["tags"][..], &["properties", "tags"]] {
        let path = Path::keys(place.iter().copied());
        if let Some(tags) = path.get(&desired.body) {
            crate::kinds::merge_at(&mut body, path.segments(), tags.clone());
        }
    }
    body
}

fn put(mut body: Json, pointer: &str, value: Json) -> Json {
    let path: Path = pointer.parse().expect("a path");
    crate::kinds::merge_at(&mut body, path.segments(), value);
    body
}

/// The cluster of the recording `gpu-pool`, as a stack states it.
fn recorded_cluster(version: &str, more: Json) -> Draft {
    let mut fields = json!({"resource_group": "${resource_group.main}", "name": "cliakstest000001", "location": "West US 3",
        "system_pool": {"pool_name": "nodepool1", "vm_size": "standard_ds2_v2", "count": 3, "taints": []}, "local_accounts": true});
    if !version.is_empty() {
        fields["kubernetes_version"] = json!(version);
    }
    crate::kinds::merge_at(&mut fields, &[], more);
    draft(&[group(), ("aks_cluster.main", fields)])
}

#[test]
fn what_azure_made_of_a_create_is_no_change() {
    let Some(now) = answer("gpu-pool/06-get-cluster") else { return };
    for version in ["", "1.30", "1.30.9"] {
        let draft = recorded_cluster(
            version,
            json!({"network": {"plugin": "Azure", "pod_cidr": "10.244.0.0/16"}, "tier": "free"}),
        );
        let now = marked(now.clone(), &draft);
        assert_eq!(compared(&draft, &now, None, &[]), "", "adopted, {version}");
        assert_eq!(compared(&draft, &now, Some((&draft, &now)), &[]), "", "recorded, {version}");
    }
    // Before 2025 Azure answered an alias with the full version in both places.
    let draft = recorded_cluster("1.30", json!({}));
    let old = put(marked(now, &draft), "/properties/kubernetesVersion", json!("1.30.9"));
    assert_eq!(compared(&draft, &old, None, &[]), "");
}

#[test]
fn dropped_values_are_no_change() {
    let Some(now) = answer("gpu-pool/13-get-gpu-pool") else { return };
    let fields = json!({"cluster": "${aks_cluster.main}", "name": "c000002", "vm_size": "Standard_NC6s_v3", "mode": "user", "count": 1,
        "priority": "regular", "taints": [], "labels": {}, "zones": [], "gpu_driver": "none", "encryption_at_host": false,
        "os_disk_size_gb": 0, "kubernetes_version": "1.30"});
    let draft = draft(&[group(), cluster(), ("aks_node_pool.gpu", fields)]);
    let now = marked(now, &draft);
    assert_eq!(compared(&draft, &now, None, &[]), "");
    assert_eq!(compared(&draft, &now, Some((&draft, &now)), &[]), "");
}

#[test]
fn the_count_belongs_to_the_autoscaler() {
    let (Some(before), Some(after)) =
        (answer("pool-autoscaler/06-get-pool-before"), answer("pool-autoscaler/10-get-pool-after"))
    else {
        return;
    };
    let pool = |min: i64, max: i64| {
        let fields = json!({"cluster": "${aks_cluster.main}", "name": "clinp000003", "vm_size": "Standard_DS2_v2", "mode": "user",
            "autoscale": {"min": min, "max": max}, "kubernetes_version": "1.25.6"});
        draft(&[group(), cluster(), ("aks_node_pool.a", fields)])
    };
    let (old, new) = (pool(0, 3), pool(1, 101));
    let (before, after) = (marked(before, &old), marked(after, &new));
    insta::assert_snapshot!(compared(&new, &before, Some((&old, &before)), &[]), @r"
    /properties/maxCount: 3 -> 101
    /properties/minCount: 0 -> 1
    ");
    assert_eq!(compared(&new, &after, Some((&new, &after)), &[]), "");
    let fixed = json!({"cluster": "${aks_cluster.main}", "name": "clinp000003", "vm_size": "Standard_DS2_v2", "mode": "user", "count": 2,
        "kubernetes_version": "1.25.6"});
    let fixed = draft(&[group(), cluster(), ("aks_node_pool.a", fixed)]);
    insta::assert_snapshot!(compared(&fixed, &after, Some((&new, &after)), &[]), @r"
    /properties/count: 1 -> 2
    /properties/enableAutoScaling: true -> false
    /properties/maxCount: 101 -> nothing
    /properties/minCount: 1 -> nothing
    remove /properties/maxCount
    remove /properties/minCount
    ");
}

#[test]
fn each_change_does_what_the_table_says() {
    let Some(now) = answer("gpu-pool/06-get-cluster") else { return };
    let before = recorded_cluster("1.30", json!({}));
    let now = marked(now, &before);
    let after = recorded_cluster(
        "1.31",
        json!({"tier": "standard", "dns_prefix": "other", "local_accounts": false,
        "network": {"dataplane": "cilium", "service_cidr": "10.1.0.0/16"}, "aad": {"azure_rbac": true},
        "system_pool": {"pool_name": "nodepool1", "vm_size": "Standard_D4s_v3", "count": 5, "taints": ["a=b:NoSchedule"]}}),
    );
    insta::assert_snapshot!(compared(&after, &now, Some((&before, &now)), &[]), @r#"
    /properties/aadProfile/enableAzureRBAC: nothing -> true
    /properties/aadProfile/managed: nothing -> true
    /properties/agentPoolProfiles[name=nodepool1]/count: 3 -> 5
    /properties/agentPoolProfiles[name=nodepool1]/nodeTaints: nothing -> ["a=b:NoSchedule"]
    /properties/agentPoolProfiles[name=nodepool1]/orchestratorVersion: "1.30" -> "1.31"
    /properties/agentPoolProfiles[name=nodepool1]/vmSize: "Standard_DS2_v2" -> "Standard_D4s_v3"
    /properties/disableLocalAccounts: false -> true
    /properties/dnsPrefix: "cliakstest-clitesttdv2xuwgd-8ecadf" -> "other" REPLACES: `/properties/dnsPrefix` is fixed when it is made
    /properties/kubernetesVersion: "1.30" -> "1.31"
    /properties/networkProfile/networkDataplane: "azure" -> "cilium"
    /properties/networkProfile/serviceCidr: "10.0.0.0/16" -> "10.1.0.0/16" REPLACES: `/properties/networkProfile/serviceCidr` is fixed when it is made
    /sku/tier: "Free" -> "Standard"
    Blocks azure::refused_change: Azure refuses to change `/properties/agentPoolProfiles[name=nodepool1]/vmSize`; AKS fixes this when the pool is made: give `system_pool` another `pool_name` too; kfplan then adds the new pool, drains the old one and deletes it
    "#);
    let pool = json!({"cluster": "${aks_cluster.main}", "name": "c000002", "vm_size": "Standard_NC4as_T4_v3", "mode": "system", "count": 1,
        "gpu_driver": "install", "kubernetes_version": "1.30"});
    let Some(now) = answer("gpu-pool/13-get-gpu-pool") else { return };
    let pool = draft(&[group(), cluster(), ("aks_node_pool.gpu", pool)]);
    insta::assert_snapshot!(compared(&pool, &marked(now, &pool), None, &[]), @r#"
    /properties/gpuProfile/driver: "None" -> "Install" REPLACES: `/properties/gpuProfile/driver` is fixed when a pool is made: its pods are evicted, and it is made again
    /properties/mode: "User" -> "System"
    /properties/vmSize: "standard_nc6s_v3" -> "Standard_NC4as_T4_v3" REPLACES: `/properties/vmSize` is fixed when a pool is made: its pods are evicted, and it is made again
    "#);
}

#[test]
fn versions_go_forward_one_at_a_time() {
    let Some(now) = answer("gpu-pool/06-get-cluster") else { return };
    let told = |version: &str, channel: Option<&str>| {
        let draft = recorded_cluster(version, json!({}));
        let mut now = marked(now.clone(), &draft);
        if let Some(channel) = channel {
            now = put(now, "/properties/autoUpgradeProfile/upgradeChannel", json!(channel));
        }
        // The pool inside follows its cluster; one line says enough.
        compared(&draft, &now, None, &[])
            .lines()
            .filter(|line| !line.contains("agentPoolProfiles"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    insta::assert_snapshot!(told("1.29", None), @r#"
    /properties/kubernetesVersion: "1.30" -> "1.29"
    Blocks azure::version_step: `/properties/kubernetesVersion` asks for 1.29, and 1.30.9 runs: AKS never goes back; state kubernetes_version = "1.30", or make a new cluster
    "#);
    insta::assert_snapshot!(told("1.30.8", None), @r#"
    /properties/kubernetesVersion: "1.30" -> "1.30.8"
    Blocks azure::version_step: `/properties/kubernetesVersion` asks for 1.30.8, and 1.30.9 runs: AKS never goes back; state kubernetes_version = "1.30", or make a new cluster
    "#);
    insta::assert_snapshot!(told("1.32", None), @r#"
    /properties/kubernetesVersion: "1.30" -> "1.32"
    Blocks azure::version_step: `/properties/kubernetesVersion` asks for 1.32, and 1.30.9 runs: AKS takes one minor version at a time; state kubernetes_version = "1.31" first, and apply
    "#);
    insta::assert_snapshot!(told("1.31", None), @r#"/properties/kubernetesVersion: "1.30" -> "1.31""#);
    assert_eq!(told("1.30.8", Some("patch")), "");
    assert_eq!(told("1.29", Some("stable")), "");
}

#[test]
fn another_name_rotates_the_system_pool() {
    let Some(now) = answer("gpu-pool/06-get-cluster") else { return };
    let before = recorded_cluster("1.30", json!({}));
    let now = marked(now, &before);
    let after = recorded_cluster("1.30", json!({"system_pool": {"pool_name": "sys2", "vm_size": "Standard_D4s_v3"}}));
    insta::assert_snapshot!(compared(&after, &now, Some((&before, &now)), &[]), @r#"
    /properties/agentPoolProfiles[name=sys2]/count: nothing -> 3
    /properties/agentPoolProfiles[name=sys2]/mode: nothing -> "System"
    /properties/agentPoolProfiles[name=sys2]/name: nothing -> "sys2"
    /properties/agentPoolProfiles[name=sys2]/orchestratorVersion: nothing -> "1.30"
    /properties/agentPoolProfiles[name=sys2]/osType: nothing -> "Linux"
    /properties/agentPoolProfiles[name=sys2]/type: nothing -> "VirtualMachineScaleSets"
    /properties/agentPoolProfiles[name=sys2]/vmSize: nothing -> "Standard_D4s_v3"
    /properties/agentPoolProfiles[name=nodepool1]: {"count":3,"vmSize":"Standard_DS2_v2"} -> nothing
    remove /properties/agentPoolProfiles[name=nodepool1]
    Info azure::pool_rotation: pool `nodepool1` is drained and deleted once the others are as stated; -
    "#);
}

#[test]
fn what_is_no_longer_stated_is_taken_out_where_that_means_something() {
    let Some(now) = answer("gpu-pool/06-get-cluster") else { return };
    let before = recorded_cluster(
        "1.30",
        json!({"tags": {"team": "ml", "cost": "7"}, "tier": "free",
        "api_server": {"authorized_ranges": ["203.0.113.0/24"]}, "system_pool": {"labels": {"a": "1", "b": "2"}}}),
    );
    let now = put(
        marked(now, &before),
        "/properties/apiServerAccessProfile",
        json!({"authorizedIPRanges": ["203.0.113.0/24"]}),
    );
    let now = put(now, "/properties/agentPoolProfiles/0/nodeLabels", json!({"a": "1", "b": "2", "by-hand": "3"}));
    let now = put(now, "/tags/of-a-policy", json!("x"));
    let after = recorded_cluster("1.30", json!({"tags": {"team": "ml"}, "system_pool": {"labels": {"a": "1"}}}));
    insta::assert_snapshot!(compared(&after, &now, Some((&before, &now)), &[]), @r#"
    /properties/agentPoolProfiles[name=nodepool1]/nodeLabels/b: "2" -> nothing
    /properties/agentPoolProfiles[name=nodepool1]/nodeLabels/by-hand: "3" -> nothing
    /properties/apiServerAccessProfile/authorizedIPRanges: ["203.0.113.0/24"] -> nothing
    /tags/cost: "7" -> nothing
    remove /properties/agentPoolProfiles[name=nodepool1]/nodeLabels/b
    remove /properties/agentPoolProfiles[name=nodepool1]/nodeLabels/by-hand
    remove /properties/apiServerAccessProfile/authorizedIPRanges
    remove /tags/cost
    drift /properties/agentPoolProfiles[name=nodepool1]/nodeLabels/by-hand: nothing -> "3"
    "#);
}

#[test]
fn ignored_fields_are_neither_changes_nor_sent() {
    let Some(now) = answer("gpu-pool/06-get-cluster") else { return };
    let draft = recorded_cluster("1.30", json!({"tier": "standard", "system_pool": {"count": 9}, "tags": {"a": "b"}}));
    let now = put(marked(now, &draft), "/tags/a", json!("other"));
    insta::assert_snapshot!(compared(&draft, &now, None, &["/system_pool/count", "/tier", "/tags/a"]), @r"
    yield /properties/agentPoolProfiles[name=nodepool1]/count
    yield /sku/tier
    yield /tags/a
    ");
}

#[test]
fn drift_names_old_and_new_and_the_last_writer() {
    let Some(made) = answer("gpu-pool/06-get-cluster") else { return };
    let draft = recorded_cluster("1.30", json!({"tags": {"team": "ml"}, "tier": "free"}));
    let made = marked(made, &draft);
    let mut now = put(made.clone(), "/tags/team", json!("ops"));
    now = put(now, "/sku/tier", json!("Standard"));
    now = put(now, "/properties/agentPoolProfiles/0/count", json!(7));
    now = put(now, "/properties/currentKubernetesVersion", json!("1.31.2"));
    now =
        put(now, "/systemData", json!({"lastModifiedBy": "pat@example.com", "lastModifiedAt": "2026-11-01T00:00:00Z"}));
    let record = recorded("aks_cluster.main", &draft.locator, draft.desired.as_ref().expect("a body"), &made);
    let drift = ArmRules.drift(&record, &live(now), &ownership(), &key());
    insta::assert_snapshot!(told(&Comparison { drift, ..Comparison::default() }), @r#"
    drift /properties/agentPoolProfiles[name=nodepool1]/count: 3 -> 7 by pat@example.com at Some("2026-11-01T00:00:00Z")
    drift /properties/kubernetesVersion: "1.30" -> "1.31.2" by pat@example.com at Some("2026-11-01T00:00:00Z")
    drift /sku/tier: "Free" -> "Standard" by pat@example.com at Some("2026-11-01T00:00:00Z")
    drift /tags/team: "ml" -> "ops" by pat@example.com at Some("2026-11-01T00:00:00Z")
    "#);
    assert!(ArmRules.drift(&record, &live(made), &ownership(), &key()).is_empty());
}

#[test]
fn a_secret_is_compared_and_never_shown() {
    let resource = |secret: &str| {
        let fields = json!({"parent": "${resource_group.main}", "type": "Microsoft.X/y", "api_version": "2024-01-01", "name": "n",
            "location": "westus2", "body": {"properties": {"password": format!("secret:{secret}"), "list": [{"k": format!("secret:{secret}")}]}}});
        draft(&[group(), ("azure_resource.x", fields)])
    };
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.X/y/n";
    let now = |secret: &str| json!({"id": id, "location": "westus2", "properties": {"password": secret, "list": [{"k": secret, "more": 1}]}});
    let (old, new) = (resource("hunter2"), resource("hunter3"));
    let made = marked(now("hunter2"), &old);
    assert_eq!(compared(&old, &made, Some((&old, &made)), &[]), "");
    let changed = compared(&new, &made, Some((&old, &made)), &[]);
    assert!(changed.contains("/properties/password: secret ") && !changed.contains("hunter"), "{changed}");
    let drifted = compared(&old, &marked(now("hunter4"), &old), Some((&old, &made)), &[]);
    assert!(drifted.contains("drift /properties/password: secret ") && !drifted.contains("hunter"), "{drifted}");
    let created = told(&Comparison {
        changes: ArmRules.creation(new.desired.as_ref().expect("a body"), &key()),
        ..Comparison::default()
    });
    assert!(!created.contains("hunter"), "{created}");
}

#[test]
fn a_resource_whose_last_operation_failed_is_asked_for_again() {
    let Some(now) = answer("abort-create/05-get-cluster-canceled") else { return };
    let fields = json!({"resource_group": "${resource_group.main}", "name": "cliakstest000002", "location": "westus2",
        "system_pool": {"pool_name": "nodepool1", "vm_size": "Standard_DS2_v2", "count": 3}});
    let draft = draft(&[group(), ("aks_cluster.main", fields)]);
    insta::assert_snapshot!(compared(&draft, &marked(now, &draft), None, &[]), @r#"
    /properties/provisioningState: "Canceled" -> "Succeeded"
    Warning azure::last_operation: its last operation ended `Canceled`: it is asked for again; -
    "#);
}

#[test]
fn the_fingerprint_moves_only_with_what_is_stated() {
    let Some(now) = answer("gpu-pool/06-get-cluster") else { return };
    let draft = recorded_cluster("1.30", json!({}));
    let now = marked(now, &draft);
    let of = |body: &Json| ArmRules.fingerprint(draft.desired.as_ref(), &live(body.clone()), &ownership(), &key());
    let unmoved = put(put(now.clone(), "/properties/provisioningState", json!("Updating")), "/eTag", json!("x"));
    assert_eq!(of(&now), of(&put(unmoved, "/tags/of-a-policy", json!("x"))));
    assert_ne!(of(&now), of(&put(now.clone(), "/properties/agentPoolProfiles/0/count", json!(4))));
    let comparison = ArmRules.compare(
        draft.desired.as_ref().expect("a body"),
        None,
        &live(now.clone()),
        &ownership(),
        &[],
        &[],
        &key(),
    );
    assert_eq!(comparison.fields, of(&now));
    // What is ignored is not sent: whoever sends the rest finds the same fingerprint.
    let ignore = ["/system_pool/count".parse().expect("a path")];
    let desired = draft.desired.as_ref().expect("a body");
    let comparison = ArmRules.compare(desired, None, &live(now.clone()), &ownership(), &ignore, &[], &key());
    let mut sent = desired.clone();
    for path in &comparison.yielded {
        path.remove(&mut sent.body);
    }
    let scaled = put(now, "/properties/agentPoolProfiles/0/count", json!(4));
    assert_eq!(comparison.fields, ArmRules.fingerprint(Some(&sent), &live(scaled), &ownership(), &key()));
}

#[test]
fn marks_say_whose_a_resource_is() {
    let Some(now) = answer("gpu-pool/06-get-cluster") else { return };
    let draft = recorded_cluster("1.30", json!({}));
    assert!(!ArmRules.is_ours(&live(now.clone()), &ownership()));
    let ours = marked(now, &draft);
    assert!(ArmRules.is_ours(&live(ours.clone()), &ownership()));
    let sibling = Ownership { lineage: "l-2".to_owned(), ..ownership() };
    assert!(!ArmRules.is_ours(&live(ours), &sibling));
    let (Some(going), Some(pool)) = (answer("delete-states/01-get-pool-deleting"), answer("gpu-pool/13-get-gpu-pool"))
    else {
        return;
    };
    assert!(ArmRules.is_going(&live(going)) && !ArmRules.is_going(&live(pool)));
}

fn view<'a>(address: &'a Address, locator: &'a Locator, body: &'a Json) -> ObjectView<'a> {
    ObjectView { address, locator, body, changing: true, going: false }
}

#[test]
fn a_group_contains_its_clusters_and_a_cluster_its_pools() {
    let ids = [
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/agentPools/p",
        "/subscriptions/s/resourcegroups/G",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c",
        "/subscriptions/s/resourceGroups/other/providers/Microsoft.X/y/n",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.X/y/n",
    ];
    let address: Address = "azure_resource.x".parse().expect("an address");
    let locators = ids.map(|id| Locator::Arm(ArmLocator { id: id.to_owned(), api_version: String::new() }));
    let views: Vec<ObjectView<'_>> = locators.iter().map(|locator| view(&address, locator, &Json::Null)).collect();
    let facts = ClusterFacts {
        cluster: "aks_cluster.main".parse().expect("an address"),
        version: None,
        aks: None,
        exists: false,
    };
    let edges: Vec<(usize, usize)> =
        ArmRules.order(&views, &facts).edges.iter().map(|edge| (edge.from, edge.to)).collect();
    assert_eq!(edges, [(2, 0), (1, 2), (1, 4)]);
}

#[test]
fn nodes_are_never_newer_than_their_cluster() {
    let told = |cluster_version: &str, pool_version: &str, name: &str| {
        let mut fields = cluster().1;
        fields["kubernetes_version"] = json!(cluster_version);
        let pool = json!({"cluster": "${aks_cluster.main}", "name": name, "vm_size": "S", "mode": "user", "kubernetes_version": pool_version});
        let drafts = expanded(&[group(), ("aks_cluster.main", fields), ("aks_node_pool.a", pool)]);
        let drafts: Vec<Draft> = drafts.into_iter().map(|draft| draft.expect("nothing wrong")).collect();
        let bodies: Vec<&Json> = drafts.iter().map(|draft| &draft.desired.as_ref().expect("a body").body).collect();
        let views: Vec<_> =
            drafts.iter().zip(bodies).map(|(draft, body)| view(&draft.address, &draft.locator, body)).collect();
        let notes = ArmRules.check(drafts[2].desired.as_ref().expect("a body"), &drafts[2].locator, &views);
        self::told(&Comparison { notes, ..Comparison::default() })
    };
    assert_eq!(told("1.34", "1.34.2", "a"), "");
    insta::assert_snapshot!(told("1.33", "1.34", "a"), @r#"Blocks azure::pool_newer: the pool asks for Kubernetes 1.34, and its cluster for 1.33: nodes are never newer; state kubernetes_version = "1.33" or less, or upgrade the cluster too"#);
    insta::assert_snapshot!(told("1.34", "1.30", "a"), @r"Blocks azure::pool_older: the pool asks for Kubernetes 1.30, more than 3 minor versions behind its cluster's 1.34; upgrade the pool too, one minor version at a time");
    insta::assert_snapshot!(told("1.34", "1.34", "system"), @r"Blocks azure::pool_twice: `system` is already the name of the pool that the cluster is made with; give one of them another name");
}
