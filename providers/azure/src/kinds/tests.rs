//! What a stack file's fields become.

use std::collections::BTreeMap;

use kfplan_model::{Late, ResourceAddress, Value};
use kfplan_plan::{Field, Shape};
use serde_json::json;

use super::*;

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// A resource with these fields. `"${TYPE.NAME}"` is a handle, other `${…}` are late, `"secret:…"` is sensitive.
pub(crate) fn resource(address: &str, fields: &Json) -> Resource {
    fn value(json: &Json) -> Value {
        match json {
            Json::String(text) => match text.strip_prefix("secret:") {
                Some(secret) => Value::from(secret).into_sensitive(),
                None if text.starts_with("${") => {
                    let inner = text.trim_start_matches("${").trim_end_matches('}');
                    match inner.parse::<ResourceAddress>() {
                        Ok(handle) => Value::Handle(handle),
                        Err(_) => Value::Late(Late { template: text.as_str().into(), waits: [].into() }),
                    }
                }
                None => Value::from(text.as_str()),
            },
            Json::Array(list) => Value::List(list.iter().map(value).collect()),
            Json::Object(map) => Value::Map(map.iter().map(|(key, item)| (key.clone(), value(item))).collect()),
            other => Value::from(other),
        }
    }
    Resource {
        address: address.parse().expect("an address"),
        fields: value(fields),
        existing: fields.get("existing") == Some(&Json::Bool(true)),
        depends_on: [].into(),
        each: None,
        lifecycle: Default::default(),
        timeouts: Default::default(),
        conflicts: Vec::new(),
        readiness: Vec::new(),
        at: Default::default(),
        positions: [].into(),
    }
}

/// Expands resources in order, as the planner does.
pub(crate) fn expanded(resources: &[(&str, Json)]) -> Vec<Result<Draft, Vec<Problem>>> {
    let kinds = kinds();
    let all: BTreeMap<ResourceAddress, Resource> = resources
        .iter()
        .map(|(address, fields)| (address.parse().expect("an address"), resource(address, fields)))
        .collect();
    let mut places = BTreeMap::new();
    let mut drafts = Vec::new();
    for (address, _) in resources {
        let address: ResourceAddress = address.parse().expect("an address");
        let kind = kinds.iter().find(|kind| kind.schema().type_name == address.type_name()).expect("a type");
        let scene = Scene {
            stack: "kubeflow",
            environment: "default",
            lineage: "l-1",
            subscription: Some(SUBSCRIPTION),
            resources: &all,
            places: &places,
            cluster: None,
            rendered: None,
        };
        let expansion = kind.expand(&all[&address], &scene);
        drafts.push(expansion.map(|expansion| match expansion {
            Expansion::Nodes { mut drafts, .. } => drafts.remove(0),
            Expansion::Render(_) => panic!("nothing to render"),
        }));
        if let Some(Ok(draft)) = drafts.last() {
            places.insert(address, draft.locator.clone());
        }
    }
    drafts
}

fn shown(drafts: &[Result<Draft, Vec<Problem>>]) -> String {
    let mut text = String::new();
    for draft in drafts {
        match draft {
            Ok(draft) => {
                text += &format!("{} at {}\n", draft.address, draft.locator);
                if let Some(desired) = &draft.desired {
                    text += &serde_json::to_string_pretty(&desired.body).expect("JSON");
                    text += "\n";
                    for hole in &desired.holes {
                        text += &format!("hole {} = {}\n", hole.path, hole.late.template);
                    }
                    for path in &desired.sensitive {
                        text += &format!("secret {path}\n");
                    }
                }
            }
            Err(problems) => {
                for problem in problems {
                    let field = problem.field.as_ref().map(ToString::to_string).unwrap_or_default();
                    text += &format!("{field} {}: {}; {}\n", problem.code, problem.message, problem.help);
                }
            }
        }
    }
    text
}

pub(crate) fn group() -> (&'static str, Json) {
    ("resource_group.main", json!({"name": "KubeTest", "location": "westus2"}))
}

pub(crate) fn cluster() -> (&'static str, Json) {
    (
        "aks_cluster.main",
        json!({"resource_group": "${resource_group.main}", "name": "KubeTestCluster", "kubernetes_version": "1.34",
            "system_pool": {"pool_name": "system", "vm_size": "Standard_D4s_v3", "count": 2}}),
    )
}

#[test]
fn the_guide_becomes_a_group_a_cluster_and_a_pool() {
    let pool = json!({"cluster": "${aks_cluster.main}", "vm_size": "Standard_NC4as_T4_v3", "mode": "user",
        "autoscale": {"min": 0, "max": 2}, "taints": ["sku=gpu:NoSchedule"], "gpu_driver": "install"});
    insta::assert_snapshot!(shown(&expanded(&[group(), cluster(), ("aks_node_pool.gpu", pool)])), @r#"
    resource_group.main at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest
    {
      "location": "westus2"
    }
    aks_cluster.main at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest/providers/Microsoft.ContainerService/managedClusters/KubeTestCluster
    {
      "location": "westus2",
      "properties": {
        "agentPoolProfiles": [
          {
            "count": 2,
            "enableAutoScaling": false,
            "mode": "System",
            "name": "system",
            "orchestratorVersion": "1.34",
            "osType": "Linux",
            "type": "VirtualMachineScaleSets",
            "vmSize": "Standard_D4s_v3"
          }
        ],
        "kubernetesVersion": "1.34"
      }
    }
    aks_node_pool.gpu at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest/providers/Microsoft.ContainerService/managedClusters/KubeTestCluster/agentPools/gpu
    {
      "properties": {
        "enableAutoScaling": true,
        "gpuProfile": {
          "driver": "Install"
        },
        "maxCount": 2,
        "minCount": 0,
        "mode": "User",
        "nodeTaints": [
          "sku=gpu:NoSchedule"
        ],
        "orchestratorVersion": "1.34",
        "osType": "Linux",
        "type": "VirtualMachineScaleSets",
        "vmSize": "Standard_NC4as_T4_v3"
      }
    }
    "#);
}

#[test]
fn every_field_of_a_cluster_reaches_its_property() {
    let fields = json!({"resource_group": "${resource_group.main}", "name": "c", "location": "eastus", "tier": "premium",
        "dns_prefix": "kf", "node_resource_group": "nodes", "support_plan": "AKSLongTermSupport",
        "identity": {"type": "user", "ids": ["/subscriptions/s/x"]},
        "network": {"plugin": "azure", "plugin_mode": "overlay", "policy": "cilium", "dataplane": "cilium",
            "pod_cidr": "10.244.0.0/16", "service_cidr": "10.0.0.0/16", "dns_service_ip": "10.0.0.10",
            "outbound_type": "managedNATGateway"},
        "aad": {"admin_group_ids": ["g"], "azure_rbac": true, "tenant_id": "t"},
        "oidc_issuer": true, "workload_identity": true, "local_accounts": false,
        "api_server": {"authorized_ranges": [], "private": true, "private_dns_zone": "system"},
        "auto_upgrade": {"channel": "patch", "node_os_channel": "SecurityPatch"},
        "autoscaler": {"scan-interval": "20s"}, "ssh": {"admin_username": "azureuser", "public_keys": ["ssh-rsa A"]},
        "tags": {"team": "ml"}, "properties": {"addonProfiles": {"azurepolicy": {"enabled": true}}},
        "system_pool": {"pool_name": "sys", "vm_size": "Standard_D4s_v3", "autoscale": {"min": 1, "max": 3}, "zones": ["1"],
            "os_disk_size_gb": 128, "os_disk_type": "Ephemeral", "os_sku": "Ubuntu2404", "max_pods": 50, "labels": {"a": "b"},
            "taints": [], "subnet_id": "/s", "pod_subnet_id": "/p", "max_surge": "33%", "encryption_at_host": true,
            "fips": false, "secure_boot": true, "vtpm": true}});
    insta::assert_snapshot!(shown(&expanded(&[group(), ("aks_cluster.main", fields)])), @r#"
    resource_group.main at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest
    {
      "location": "westus2"
    }
    aks_cluster.main at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest/providers/Microsoft.ContainerService/managedClusters/c
    {
      "identity": {
        "type": "UserAssigned",
        "userAssignedIdentities": {
          "/subscriptions/s/x": {}
        }
      },
      "location": "eastus",
      "properties": {
        "aadProfile": {
          "adminGroupObjectIDs": [
            "g"
          ],
          "enableAzureRBAC": true,
          "managed": true,
          "tenantID": "t"
        },
        "addonProfiles": {
          "azurepolicy": {
            "enabled": true
          }
        },
        "agentPoolProfiles": [
          {
            "availabilityZones": [
              "1"
            ],
            "enableAutoScaling": true,
            "enableEncryptionAtHost": true,
            "enableFIPS": false,
            "maxCount": 3,
            "maxPods": 50,
            "minCount": 1,
            "mode": "System",
            "name": "sys",
            "nodeLabels": {
              "a": "b"
            },
            "nodeTaints": [],
            "osDiskSizeGB": 128,
            "osDiskType": "Ephemeral",
            "osSKU": "Ubuntu2404",
            "osType": "Linux",
            "podSubnetID": "/p",
            "securityProfile": {
              "enableSecureBoot": true,
              "enableVTPM": true
            },
            "type": "VirtualMachineScaleSets",
            "upgradeSettings": {
              "maxSurge": "33%"
            },
            "vmSize": "Standard_D4s_v3",
            "vnetSubnetID": "/s"
          }
        ],
        "apiServerAccessProfile": {
          "authorizedIPRanges": [],
          "enablePrivateCluster": true,
          "privateDNSZone": "system"
        },
        "autoScalerProfile": {
          "scan-interval": "20s"
        },
        "autoUpgradeProfile": {
          "nodeOSUpgradeChannel": "SecurityPatch",
          "upgradeChannel": "patch"
        },
        "disableLocalAccounts": true,
        "dnsPrefix": "kf",
        "linuxProfile": {
          "adminUsername": "azureuser",
          "ssh": {
            "publicKeys": [
              {
                "keyData": "ssh-rsa A"
              }
            ]
          }
        },
        "networkProfile": {
          "dnsServiceIP": "10.0.0.10",
          "networkDataplane": "cilium",
          "networkPlugin": "azure",
          "networkPluginMode": "overlay",
          "networkPolicy": "cilium",
          "outboundType": "managedNATGateway",
          "podCidr": "10.244.0.0/16",
          "serviceCidr": "10.0.0.0/16"
        },
        "nodeResourceGroup": "nodes",
        "oidcIssuerProfile": {
          "enabled": true
        },
        "securityProfile": {
          "workloadIdentity": {
            "enabled": true
          }
        },
        "supportPlan": "AKSLongTermSupport"
      },
      "sku": {
        "name": "Base",
        "tier": "Premium"
      },
      "tags": {
        "team": "ml"
      }
    }
    "#);
}

#[test]
fn every_field_of_a_pool_reaches_its_property() {
    let pool = json!({"cluster": "${aks_cluster.main}", "name": "spot1", "vm_size": "Standard_NC24ads_A100_v4", "mode": "user",
        "count": 3, "priority": "spot", "eviction_policy": "Deallocate", "max_price": -1, "gpu_driver": "none",
        "gpu_instance_profile": "MIG3g", "kubernetes_version": "1.33", "scale_down_mode": "Deallocate", "tags": {"t": "u"},
        "properties": {"kubeletDiskType": "Temporary"}});
    insta::assert_snapshot!(shown(&expanded(&[group(), cluster(), ("aks_node_pool.a", pool)])[2..]), @r#"
    aks_node_pool.a at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest/providers/Microsoft.ContainerService/managedClusters/KubeTestCluster/agentPools/spot1
    {
      "properties": {
        "count": 3,
        "enableAutoScaling": false,
        "gpuInstanceProfile": "MIG3g",
        "gpuProfile": {
          "driver": "None"
        },
        "kubeletDiskType": "Temporary",
        "mode": "User",
        "orchestratorVersion": "1.33",
        "osType": "Linux",
        "scaleDownMode": "Deallocate",
        "scaleSetEvictionPolicy": "Deallocate",
        "scaleSetPriority": "Spot",
        "spotMaxPrice": -1.0,
        "tags": {
          "t": "u"
        },
        "type": "VirtualMachineScaleSets",
        "vmSize": "Standard_NC24ads_A100_v4"
      }
    }
    "#);
}

#[test]
fn late_and_secret_leaves_keep_their_place() {
    let fields = json!({"resource_group": "${resource_group.main}", "name": "c",
        "kubernetes_version": "${other.x.version}", "tags": {"a": "${other.x.a}", "b": "secret:hunter2"},
        "network": {"pod_cidr": "${other.x.cidr}"},
        "api_server": {"authorized_ranges": ["10.0.0.0/8", "${other.x.range}"]},
        "system_pool": {"vm_size": "${other.x.size}", "count": "${other.x.count + 1}", "labels": {"k": "${other.x.label}"}}});
    insta::assert_snapshot!(shown(&expanded(&[group(), ("aks_cluster.main", fields)])), @r#"
    resource_group.main at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest
    {
      "location": "westus2"
    }
    aks_cluster.main at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest/providers/Microsoft.ContainerService/managedClusters/c
    {
      "location": "westus2",
      "properties": {
        "agentPoolProfiles": [
          {
            "count": null,
            "enableAutoScaling": false,
            "mode": "System",
            "name": "system",
            "nodeLabels": {
              "k": null
            },
            "osType": "Linux",
            "type": "VirtualMachineScaleSets",
            "vmSize": null
          }
        ],
        "apiServerAccessProfile": {
          "authorizedIPRanges": [
            "10.0.0.0/8",
            null
          ]
        },
        "kubernetesVersion": null,
        "networkProfile": {
          "podCidr": null
        }
      },
      "tags": {
        "a": null,
        "b": "hunter2"
      }
    }
    hole /tags/a = ${other.x.a}
    hole /properties/kubernetesVersion = ${other.x.version}
    hole /properties/networkProfile/podCidr = ${other.x.cidr}
    hole /properties/apiServerAccessProfile/authorizedIPRanges/1 = ${other.x.range}
    hole /properties/agentPoolProfiles[name=system]/count = ${other.x.count + 1}
    hole /properties/agentPoolProfiles[name=system]/vmSize = ${other.x.size}
    hole /properties/agentPoolProfiles[name=system]/nodeLabels/k = ${other.x.label}
    secret /tags/b
    "#);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let cluster = json!({"resource_group": "${resource_group.other}", "workload_identity": true, "identity": {"type": "user"},
        "network": {"pod_cidr": "10.0.0.0/8", "service_cidr": "10.1.0.0/16", "dns_service_ip": "10.2.0.1"},
        "location": "westus2", "ssh": {}, "system_pool": {"count": 0, "autoscale": {"min": 3, "max": 1}}});
    let pool =
        json!({"cluster": "${aks_cluster.main}", "vm_size": "S", "mode": "system", "priority": "spot", "count": 0});
    let more = json!({"cluster": "${aks_cluster.ok}", "vm_size": "S", "max_price": 1});
    let (_, ok) = super::tests::cluster();
    let ok = ("aks_cluster.ok", ok);
    insta::assert_snapshot!(
        shown(&expanded(&[group(), ok, ("aks_cluster.main", cluster), ("aks_node_pool.main", pool), ("aks_node_pool.much_too_long_name", more)])[2..]),
        @r#"
    /resource_group azure::no_place: `resource_group.other` is not in Azure, so `aks_cluster.main` cannot be in it; name a resource of an Azure type
    /name azure::unknowable: `name` of `aks_cluster.main` is not known at plan; state `name` as text, or by variables: it decides which resource this is
    /identity azure::identity: `identity.type` and `identity.ids` do not agree; state both type = "user" and ids = ["ARM ID"], or neither
    /workload_identity azure::workload_identity: `workload_identity` needs the OIDC issuer; add oidc_issuer = true
    /network/pod_cidr azure::overlap: `pod_cidr` 10.0.0.0/8 and `service_cidr` 10.1.0.0/16 overlap; choose ranges that share no address
    /network/dns_service_ip azure::dns_service_ip: `dns_service_ip` 10.2.0.1 is not inside `service_cidr` 10.1.0.0/16; choose an address inside it, not the first one
    /ssh azure::no_ssh_key: `ssh` has no public key; state public_keys = ["ssh-rsa …"], known at plan
    /system_pool/count azure::count_and_autoscale: `count` and `autoscale` are both stated; keep one: with `autoscale` the number of nodes belongs to the autoscaler
    /system_pool/autoscale azure::autoscale_bounds: `autoscale` has min 3 above max 1; make min at most max
    /system_pool/count azure::empty_system_pool: a system pool with no nodes is refused by AKS; let at least one node be there
    /cluster azure::no_place: `aks_cluster.main` is not in Azure, so `aks_node_pool.main` cannot be in it; name a resource of an Azure type
    /priority azure::spot_system: `priority` is `spot` in a system pool; a system pool cannot be of spot machines: use regular ones, or mode = "user"
    /mode azure::empty_system_pool: a system pool with no nodes is refused by AKS; let at least one node be there
     azure::pool_name: `much_too_long_name`, the name of `aks_node_pool.much_too_long_name`, cannot be a pool's name; state name = "…": 1 to 12 lower-case letters and digits, beginning with a letter
    /max_price azure::not_spot: `max_price` is only for spot pools; add priority = "spot", or remove it
    "#
    );
}

#[test]
fn any_arm_type_finds_its_id() {
    let resource = |parent: &str, kind: &str| {
        json!({"parent": parent, "type": kind, "name": "n", "api_version": "2024-01-01", "location": "westus2",
            "body": {"properties": {"a": "${other.x.y + 'z'}"}}})
    };
    let drafts = expanded(&[
        group(),
        ("azure_resource.server", resource("${resource_group.main}", "Microsoft.Sql/servers")),
        ("azure_resource.database", resource("${azure_resource.server}", "Microsoft.Sql/servers/databases")),
        ("azure_resource.lock", resource("${azure_resource.database}", "Microsoft.Authorization/locks")),
        ("azure_resource.elsewhere", resource("/subscriptions/s", "Microsoft.Authorization/locks")),
        ("azure_resource.nowhere", resource("there", "Microsoft.Authorization/locks")),
    ]);
    insta::assert_snapshot!(shown(&drafts[1..]), @r#"
    azure_resource.server at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest/providers/Microsoft.Sql/servers/n
    {
      "location": "westus2",
      "properties": {
        "a": null
      }
    }
    hole /properties/a = ${other.x.y + 'z'}
    azure_resource.database at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest/providers/Microsoft.Sql/servers/n/databases/n
    {
      "location": "westus2",
      "properties": {
        "a": null
      }
    }
    hole /properties/a = ${other.x.y + 'z'}
    azure_resource.lock at /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/KubeTest/providers/Microsoft.Sql/servers/n/databases/n/providers/Microsoft.Authorization/locks/n
    {
      "location": "westus2",
      "properties": {
        "a": null
      }
    }
    hole /properties/a = ${other.x.y + 'z'}
    azure_resource.elsewhere at /subscriptions/s/providers/Microsoft.Authorization/locks/n
    {
      "location": "westus2",
      "properties": {
        "a": null
      }
    }
    hole /properties/a = ${other.x.y + 'z'}
    /parent azure::no_id: `there` is not an ARM id; write a handle such as "${resource_group.main}", or an id that begins with /subscriptions/
    "#);
}

/// A key written below the header of a sub-table lands in it, so a name that both have would be misread.
#[test]
fn no_sub_table_has_a_field_of_its_parent() {
    for kind in kinds() {
        let schema = kind.schema();
        let names: Vec<&str> = schema.fields.iter().map(|field| field.name).collect();
        for field in &schema.fields {
            let Field { shape: Shape::Table(inner), .. } = field else { continue };
            for below in inner {
                assert!(!names.contains(&below.name), "{}.{}.{}", schema.type_name, field.name, below.name);
            }
        }
    }
}

#[test]
fn outputs_are_read_from_the_recorded_cluster() {
    let live = json!({"id": "/c", "name": "c", "location": "westus3",
        "identity": {"principalId": "p"},
        "properties": {"kubernetesVersion": "1.35", "currentKubernetesVersion": "1.35.7", "fqdn": "aso.hcp", "nodeResourceGroup": "MC"}});
    let id = ArmId::group("s", "g").cluster("c");
    let found = outputs_of(&id, &live);
    assert_eq!(found.get("kubernetes_version"), Some(&json!("1.35.7")));
    assert_eq!(found.get("fqdn"), Some(&json!("aso.hcp")));
    assert_eq!(found.get("oidc_issuer_url"), None);
}
