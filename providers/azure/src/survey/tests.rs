//! What is refused before Azure is asked for it.

use kfplan_plan::Draft;
use serde_json::{Value as Json, json};

use super::*;
use crate::kinds::tests::{cluster, expanded, group};

/// What the simulated Azure of late 2026 and the real one have in common, cut to a few lines.
fn survey() -> Survey {
    let versions = json!({"values": [
        {"version": "1.34", "capabilities": {"supportPlan": ["KubernetesOfficial", "AKSLongTermSupport"]}, "patchVersions": {"1.34.6": {}, "1.34.8": {}}},
        {"version": "1.32", "capabilities": {"supportPlan": ["AKSLongTermSupport"]}, "patchVersions": {"1.32.9": {}}},
        {"version": "1.36", "isPreview": true, "capabilities": {"supportPlan": ["KubernetesOfficial"]}, "patchVersions": {"1.36.1": {}}},
        {"version": "1.21", "patchVersions": {"1.21.14": {}}, "sandbox": {"offeredByAzure": false, "endedIn": "2022-07"}},
    ]});
    let size = |name: &str, family: &str, cores: &str, more: Json| {
        let mut capabilities = vec![json!({"name": "vCPUs", "value": cores})];
        for (name, value) in more["capabilities"].as_object().into_iter().flatten() {
            capabilities.push(json!({"name": name, "value": value}));
        }
        json!({"resourceType": "virtualMachines", "name": name, "family": family, "locations": ["westus2"], "capabilities": capabilities,
            "locationInfo": [{"location": "westus2", "zones": ["1", "2", "3"]}], "restrictions": more.get("restrictions").cloned().unwrap_or(json!([]))})
    };
    let sizes = [
        size(
            "Standard_D4s_v3",
            "standardDSv3Family",
            "4",
            json!({"capabilities": {"EphemeralOSDiskSupported": "False"}}),
        ),
        size("Standard_NC4as_T4_v3", "Standard NCASv3_T4 Family", "4", json!({"capabilities": {"GPUs": "1"}})),
        size(
            "Standard_D4pds_v5",
            "standardDPDSv5Family",
            "4",
            json!({"capabilities": {"CpuArchitectureType": "Arm64"}}),
        ),
        size("Standard_A1_v2", "standardAv2Family", "1", json!({})),
        size(
            "Standard_NC24ads_A100_v4",
            "StandardNCADSA100v4Family",
            "24",
            json!({"capabilities": {"GPUs": "1"},
            "restrictions": [{"type": "Zone", "reasonCode": "NotAvailableForSubscription", "restrictionInfo": {"zones": ["2"]}}]}),
        ),
        size(
            "Standard_E4s_v5",
            "standardESv5Family",
            "4",
            json!({"restrictions": [{"type": "Location", "reasonCode": "NotAvailableForSubscription",
            "restrictionInfo": {"locations": ["westus2"]}}]}),
        ),
        json!({"resourceType": "disks", "name": "Premium_LRS", "locations": ["westus2"]}),
    ];
    let quotas = [
        ("cores", 300, 350),
        ("standardDSv3Family", 0, 350),
        ("Standard NCASv3_T4 Family", 60, 64),
        ("StandardNCADSA100v4Family", 0, 0),
        ("lowPriorityCores", 0, 4),
    ]
    .map(|(name, used, limit)| json!({"currentValue": used, "limit": limit, "name": {"value": name}}));
    let region =
        Region { versions: ask::offers(&versions), sizes: ask::sizes(&sizes, "westus2"), quotas: ask::quotas(&quotas) };
    Survey { regions: [("westus2".to_owned(), region)].into(), ..Survey::default() }
}

fn pool(name: &'static str, fields: Json) -> (&'static str, Json) {
    let mut all = json!({"cluster": "${aks_cluster.main}", "mode": "user"});
    crate::kinds::merge_at(&mut all, &[], fields);
    (name, all)
}

fn judged(resources: &[(&str, Json)], live: &[(&str, Json)], gpus: &[&str], survey: &Survey) -> String {
    let drafts: Vec<Draft> = expanded(resources).into_iter().map(|draft| draft.expect("nothing wrong")).collect();
    let considered: Vec<Considered<'_>> = drafts
        .iter()
        .map(|draft| Considered {
            draft,
            live: live.iter().find(|(address, _)| *address == draft.address.to_string()).map(|(_, body)| body),
        })
        .collect();
    let gpus = gpus.iter().map(|address| address.parse().expect("an address")).collect();
    let told = |note: kfplan_plan::Note| {
        let address = note.address.map(|address| format!("{address}: ")).unwrap_or_default();
        format!("{:?} {} {address}{}; {}\n", note.severity, note.code, note.message, note.help.unwrap_or_default())
    };
    preflight_azure(&considered, &gpus, survey).into_iter().map(told).collect()
}

fn cluster_of(version: &str, more: Json) -> (&'static str, Json) {
    let mut fields = cluster().1;
    fields["kubernetes_version"] = json!(version);
    crate::kinds::merge_at(&mut fields, &[], more);
    ("aks_cluster.main", fields)
}

#[test]
fn what_can_be_made_is_passed_in_silence() {
    let gpu = pool(
        "aks_node_pool.gpu",
        json!({"vm_size": "standard_nc4as_t4_v3", "autoscale": {"min": 0, "max": 1}, "taints": ["sku=gpu:NoSchedule"]}),
    );
    assert_eq!(judged(&[group(), cluster(), gpu], &[], &["aks_node_pool.gpu"], &survey()), "");
}

#[test]
fn versions_that_aks_does_not_offer_are_named_with_their_end() {
    let told = |version: &str, more: Json| judged(&[group(), cluster_of(version, more)], &[], &[], &survey());
    let all = ["1.20", "1.34.7", "1.32", "1.36", "1.21", "1.99"].map(|version| told(version, json!({}))).concat();
    insta::assert_snapshot!(all, @r#"
    Blocks preflight::version_not_offered aks_cluster.main: AKS no longer offers Kubernetes 1.20 in westus2 since 2022-04; choose one of 1.34
    Blocks preflight::version_not_offered aks_cluster.main: AKS does not offer patch 1.34.7 in westus2; choose "1.34" for the newest patch, or one of 1.34.6, 1.34.8
    Blocks preflight::version_long_term aks_cluster.main: AKS offers Kubernetes 1.32 in westus2 under long-term support only; add tier = "premium" and support_plan = "AKSLongTermSupport", or choose a newer version
    Warning preflight::version_preview aks_cluster.main: Kubernetes 1.36 is a preview in westus2; choose a generally available version for what has to last
    Info preflight::version_of_sandbox aks_cluster.main: the sandbox offers Kubernetes 1.21, which AKS itself has no more since 2022-07; outside the sandbox choose a newer one
    Blocks preflight::version_not_offered aks_cluster.main: AKS does not offer Kubernetes 1.99 in westus2; choose one of 1.34
    "#);
    assert_eq!(told("1.32", json!({"tier": "premium", "support_plan": "AKSLongTermSupport"})), "");
    // What runs already is not judged again.
    let live = json!({"properties": {"kubernetesVersion": "1.20", "currentKubernetesVersion": "1.20.9"}});
    assert_eq!(judged(&[group(), cluster_of("1.20", json!({}))], &[("aks_cluster.main", live)], &[], &survey()), "");
}

#[test]
fn sizes_are_judged_by_what_the_region_has() {
    let pools = [
        pool("aks_node_pool.old", json!({"vm_size": "Standard_NC6"})),
        pool("aks_node_pool.never", json!({"vm_size": "Standard_Q1"})),
        pool("aks_node_pool.plain", json!({"vm_size": "Standard_D4s_v3", "os_disk_type": "Ephemeral"})),
        pool("aks_node_pool.driver", json!({"vm_size": "Standard_D4s_v3", "gpu_driver": "install"})),
        pool("aks_node_pool.taint", json!({"vm_size": "Standard_D4s_v3", "taints": ["nvidia.com/gpu=x:NoSchedule"]})),
        pool("aks_node_pool.mig", json!({"vm_size": "Standard_NC4as_T4_v3", "gpu_instance_profile": "MIG1g"})),
        pool("aks_node_pool.arm", json!({"vm_size": "Standard_D4pds_v5"})),
        pool("aks_node_pool.small", json!({"vm_size": "Standard_A1_v2"})),
        pool(
            "aks_node_pool.zones",
            json!({"vm_size": "Standard_NC24ads_A100_v4", "zones": ["1", "2"], "autoscale": {"min": 0, "max": 1}}),
        ),
        pool("aks_node_pool.closed", json!({"vm_size": "Standard_E4s_v5"})),
    ];
    let all: Vec<(&str, Json)> = [group(), cluster()].into_iter().chain(pools).collect();
    insta::assert_snapshot!(judged(&all, &[], &["aks_node_pool.plain"], &survey()), @r#"
    Blocks preflight::no_ephemeral_disk aks_node_pool.plain: pool `plain`: Standard_D4s_v3 takes no ephemeral OS disk; write os_disk_type = "Managed", or choose a size with a local disk
    Blocks preflight::no_gpu aks_node_pool.driver: pool `driver`: Standard_D4s_v3 has no GPU, and its GPU driver is stated; choose a size with a GPU, such as Standard_NC4as_T4_v3
    Blocks preflight::no_gpu aks_node_pool.plain: pool `plain`: Standard_D4s_v3 has no GPU, and `nvidia_device_plugin` is for this pool; choose a size with a GPU, such as Standard_NC4as_T4_v3
    Blocks preflight::no_partitions aks_node_pool.mig: pool `mig`: the GPUs of Standard_NC4as_T4_v3 cannot be partitioned; remove gpu_instance_profile, or choose a size with A100 or H100 GPUs
    Blocks preflight::size_not_offered aks_node_pool.never: pool `never`: westus2 has no size Standard_Q1; see `az vm list-skus --location REGION --resource-type virtualMachines`
    Blocks preflight::size_not_offered aks_node_pool.old: pool `old`: Standard_NC6 is retired: the NC series ended on 2023-08-31; choose a newer size; for one NVIDIA T4: Standard_NC4as_T4_v3
    Blocks preflight::size_restricted aks_node_pool.closed: pool `closed`: Standard_E4s_v5 is not to be had in westus2 by this subscription (NotAvailableForSubscription); choose another size or region, or ask for access at https://aka.ms/azureskunotavailable
    Blocks preflight::size_too_small aks_node_pool.small: pool `small`: Standard_A1_v2 has 1 core, and AKS takes no fewer than 2; choose a larger size
    Blocks preflight::zone_restricted aks_node_pool.zones: pool `zones`: Standard_NC24ads_A100_v4 is not to be had in zone 2 of westus2; use zones 1, 3
    Warning preflight::arm64 aks_node_pool.arm: pool `arm`: Standard_D4pds_v5 has Arm processors: images that are built for amd64 only will not start; choose an x64 size unless all images are built for both
    Warning preflight::no_gpu aks_node_pool.taint: pool `taint`: Standard_D4s_v3 has no GPU, and its taint says that it has; choose a size with a GPU, such as Standard_NC4as_T4_v3
    Warning preflight::quota 0 of 0 cores of `StandardNCADSA100v4Family` are left in westus2, and pools `zones` can grow by 24; ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines
    Warning preflight::quota 50 of 350 cores of all families are left in westus2, and pools `arm`, `closed`, `driver`, `mig`, `plain`, `small`, `system`, `taint`, `zones` can grow by 57; ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines
    "#);
}

#[test]
fn quota_counts_what_comes() {
    let gpu = pool("aks_node_pool.gpu", json!({"vm_size": "Standard_NC4as_T4_v3", "autoscale": {"min": 1, "max": 4}}));
    let more = pool("aks_node_pool.more", json!({"vm_size": "Standard_NC4as_T4_v3", "count": 1}));
    let spot = pool("aks_node_pool.spot", json!({"vm_size": "Standard_D4s_v3", "count": 2, "priority": "spot"}));
    let big = pool("aks_node_pool.big", json!({"vm_size": "Standard_D4s_v3", "count": 20}));
    insta::assert_snapshot!(judged(&[group(), cluster(), gpu.clone()], &[], &[], &survey()), @r"Warning preflight::quota 4 of 64 cores of `Standard NCASv3_T4 Family` are left in westus2, and pools `gpu` can grow by 16; ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines");
    insta::assert_snapshot!(judged(&[group(), cluster(), gpu.clone(), more, spot, big], &[], &[], &survey()), @r"
    Blocks preflight::quota 4 of 4 cores of `lowPriorityCores` are left in westus2, and pools `spot` need 8 more; ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines
    Blocks preflight::quota 4 of 64 cores of `Standard NCASv3_T4 Family` are left in westus2, and pools `gpu`, `more` need 8 more; ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines
    Blocks preflight::quota 50 of 350 cores of all families are left in westus2, and pools `big`, `gpu`, `more`, `system` need 96 more; ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines
    ");
    // Nodes that are there are counted as used already.
    let live = json!({"properties": {"vmSize": "Standard_NC4as_T4_v3", "count": 4}});
    assert_eq!(judged(&[group(), cluster(), gpu], &[("aks_node_pool.gpu", live)], &[], &survey()), "");
}

#[test]
fn what_is_not_registered_or_could_not_be_asked_is_said() {
    let mut survey = survey();
    survey.providers = [
        ("Microsoft.ContainerService", "NotRegistered"),
        ("Microsoft.Network", "Registering"),
        ("Microsoft.Compute", "Registered"),
        ("Microsoft.Typo", "Unknown"),
    ]
    .map(|(name, state)| (name.to_owned(), state.to_owned()))
    .into();
    survey.unasked = vec![("how much quota is left in `westus2`".to_owned(), "the role is missing".to_owned())];
    insta::assert_snapshot!(judged(&[], &[], &[], &survey), @r"
    Blocks preflight::provider Azure knows no provider `Microsoft.Typo`; check the `type` of the resource
    Blocks preflight::provider the subscription is not registered for `Microsoft.ContainerService`; run `az provider register --namespace Microsoft.ContainerService --wait`
    Warning preflight::not_checked could not ask how much quota is left in `westus2`: the role is missing; give the signed-in principal the role Reader on the subscription to have this checked
    Warning preflight::provider the subscription is being registered for `Microsoft.Network`; wait until it is, or creates will fail
    ");
    // Where sizes could not be asked, only names tell.
    survey = Survey::default();
    let pools = [
        pool("aks_node_pool.a", json!({"vm_size": "Standard_D4s_v3"})),
        pool("aks_node_pool.b", json!({"vm_size": "Standard_NC6"})),
    ];
    let all: Vec<(&str, Json)> = [group(), cluster()].into_iter().chain(pools).collect();
    insta::assert_snapshot!(judged(&all, &[], &["aks_node_pool.a", "aks_node_pool.b"], &survey), @r"Blocks preflight::no_gpu aks_node_pool.a: pool `a`: Standard_D4s_v3 has no GPU, and `nvidia_device_plugin` is for this pool; choose a size with a GPU, such as Standard_NC4as_T4_v3");
}

#[test]
fn the_questions_follow_from_the_drafts() {
    let other = json!({"parent": "${resource_group.main}", "type": "Microsoft.Storage/storageAccounts", "api_version": "2023-01-01", "name": "n", "location": "eastus", "body": {}});
    let mut cluster = cluster().1;
    cluster["location"] = json!("West US 3");
    let drafts: Vec<Draft> = expanded(&[group(), ("aks_cluster.main", cluster), ("azure_resource.x", other)])
        .into_iter()
        .map(|draft| draft.expect("nothing wrong"))
        .collect();
    let considered: Vec<Considered<'_>> = drafts.iter().map(|draft| Considered { draft, live: None }).collect();
    let needs = Needs::of(&considered);
    assert_eq!(needs.locations.into_iter().collect::<Vec<_>>(), ["westus3"]);
    assert_eq!(
        needs.namespaces.into_iter().collect::<Vec<_>>(),
        [
            "Microsoft.Compute",
            "Microsoft.ContainerService",
            "Microsoft.ManagedIdentity",
            "Microsoft.Network",
            "Microsoft.Storage"
        ]
    );
}
