//! Nodes come with pools, are ready after a while, and show GPUs once a device plugin runs on them.

use serde_json::{Value, json};

use super::{Step, is_ending, list, text};
use crate::fleet::PoolOrder;
use crate::kube::Settings;
use crate::kube::cluster::{Cluster, Event};
use crate::kube::server::Labels;
use crate::kube::time;

const STORE: &str = "/nodes";
const GPU: &str = "nvidia.com/gpu";

impl Cluster {
    /// The nodes of a pool become as ordered.
    pub(crate) fn set_nodes(&mut self, now: u64, settings: &Settings, pool: &PoolOrder) {
        let step = Step { now, settings };
        let names: Vec<String> = (0..pool.count).map(|index| node_name(self.uid(), &pool.name, index)).collect();
        for (_, name) in nodes_of(self, &pool.name) {
            if !names.contains(&name) {
                remove(&step, self, &name);
            }
        }
        for name in &names {
            if self.object(STORE, "", name).is_none() {
                let node = node(self, pool, name);
                step.by("cloud-controller-manager", "").create(self, STORE, node);
                continue;
            }
            let (labels, taints) = (labels(self, pool, name), taints(pool));
            step.by("aks-operator", "").modify(self, STORE, "", name, |node| {
                if let Some(old) = node.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
                    old.extend(labels.as_object().cloned().unwrap_or_default());
                }
                if let Some(spec) = node.get_mut("spec").and_then(Value::as_object_mut) {
                    let kept = spec.get("taints").and_then(Value::as_array).cloned().unwrap_or_default();
                    let kept = kept.into_iter().filter(|taint| text(taint, "/key").starts_with("node.kubernetes.io/"));
                    let all: Vec<Value> = taints.into_iter().chain(kept).collect();
                    if all.is_empty() {
                        spec.remove("taints")
                    } else {
                        spec.insert("taints".into(), Value::Array(all))
                    };
                }
            });
        }
        self.set_note(
            &format!("pool/{}", pool.name),
            Some(json!({"gpus": pool.gpus, "taints": taints(pool), "labels": pool.labels, "size": pool.vm_size})),
        );
        wake_pods(self, now);
    }

    /// A pool is gone with its nodes.
    pub(crate) fn remove_pool(&mut self, now: u64, settings: &Settings, pool: &str) {
        let step = Step { now, settings };
        for (_, name) in nodes_of(self, pool) {
            remove(&step, self, &name);
        }
        self.set_note(&format!("pool/{pool}"), None);
    }

    /// How many nodes the pods that wait would take of a pool.
    pub(crate) fn unscheduled(&self, pool: &str) -> u32 {
        let Some(about) = self.note(&format!("pool/{pool}")) else { return 0 };
        let model = json!({
            "metadata": {"labels": about.get("labels")}, "spec": {"taints": about.get("taints")},
            "status": {"allocatable": {GPU: about.get("gpus").and_then(Value::as_u64).unwrap_or(0).to_string()}},
        });
        let waiting = self.objects("/pods", "", None).filter(|(_, pod)| {
            text(pod, "/status/phase") == "Pending"
                && text(pod, "/spec/nodeName").is_empty()
                && takes(&model, pod.get("spec").unwrap_or(&Value::Null), false)
        });
        u32::try_from(waiting.count()).unwrap_or(u32::MAX)
    }
}

/// Names and pools of nodes.
fn nodes_of(cluster: &Cluster, pool: &str) -> Vec<(String, String)> {
    let all = cluster.objects(STORE, "", None);
    let of_pool = all.filter(|(_, node)| text(node, "/metadata/labels/agentpool") == pool);
    of_pool.map(|(key, node)| (key.to_owned(), text(node, "/metadata/name").to_owned())).collect()
}

/// As AKS names the machines of a scale set.
fn node_name(cluster: &str, pool: &str, index: u32) -> String {
    let number = cluster
        .bytes()
        .chain(pool.bytes())
        .fold(17_u64, |sum, byte| sum.wrapping_mul(131).wrapping_add(u64::from(byte)))
        % 90_000_000
        + 10_000_000;
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut tail = Vec::new();
    let mut rest = index as usize;
    for _ in 0..6 {
        tail.push(DIGITS.get(rest % 36).copied().map_or('0', char::from));
        rest /= 36;
    }
    let tail: String = tail.into_iter().rev().collect();
    format!("aks-{pool}-{number}-vmss{tail}")
}

fn labels(cluster: &Cluster, pool: &PoolOrder, name: &str) -> Value {
    let location = cluster.about("location");
    let mut labels = json!({
        "agentpool": pool.name, "kubernetes.azure.com/agentpool": pool.name, "kubernetes.azure.com/mode": pool.mode.to_ascii_lowercase(),
        "kubernetes.azure.com/cluster": cluster.about("nodeGroup"), "kubernetes.azure.com/os-sku": "Ubuntu",
        "kubernetes.azure.com/role": "agent", "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/instance-type": pool.vm_size,
        "kubernetes.io/hostname": name, "kubernetes.io/role": "agent", "node.kubernetes.io/instance-type": pool.vm_size,
        "topology.kubernetes.io/region": location, "topology.kubernetes.io/zone": "0",
        "failure-domain.beta.kubernetes.io/region": location, "failure-domain.beta.kubernetes.io/zone": "0",
    });
    if let Some(map) = labels.as_object_mut() {
        if pool.gpus > 0 {
            map.insert("accelerator".into(), json!("nvidia"));
            map.insert("kubernetes.azure.com/accelerator".into(), json!("nvidia"));
        }
        map.extend(pool.labels.iter().map(|(key, value)| (key.clone(), json!(value))));
    }
    labels
}

/// `sku=gpu:NoSchedule` as nodes say it.
fn taints(pool: &PoolOrder) -> Vec<Value> {
    let parse = |text: &String| {
        let (pair, effect) = text.rsplit_once(':')?;
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut taint = json!({"key": key, "effect": effect});
        if let (false, Some(map)) = (value.is_empty(), taint.as_object_mut()) {
            map.insert("value".into(), json!(value));
        }
        Some(taint)
    };
    pool.taints.iter().filter_map(parse).collect()
}

fn node(cluster: &Cluster, pool: &PoolOrder, name: &str) -> Value {
    let version = if pool.version.is_empty() { cluster.about("version") } else { &pool.version };
    let mut all = taints(pool);
    all.push(json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}));
    let memory = if pool.memory_mib == 0 { 16_384 } else { pool.memory_mib };
    let cores = if pool.cores == 0 { 4 } else { pool.cores };
    let amounts = |memory: u64, cpu: String| json!({"cpu": cpu, "memory": format!("{memory}Mi"), "pods": "110", "ephemeral-storage": "129886128Ki"});
    json!({
        "metadata": {"name": name, "labels": labels(cluster, pool, name)},
        "spec": {"providerID": format!("azure:///subscriptions/sandbox/resourceGroups/{}/providers/Microsoft.Compute/virtualMachineScaleSets/{name}", cluster.about("nodeGroup")), "taints": all},
        "status": {
            "capacity": amounts(memory, cores.to_string()), "allocatable": amounts(memory.saturating_sub(memory / 8), format!("{}m", cores * 1_000 - 140)),
            "nodeInfo": {"architecture": "amd64", "bootID": "", "containerRuntimeVersion": "containerd://1.7.23", "kernelVersion": "5.15.0-azure",
                "kubeProxyVersion": format!("v{version}"), "kubeletVersion": format!("v{version}"), "machineID": "", "operatingSystem": "linux",
                "osImage": "Ubuntu 22.04.5 LTS", "systemUUID": ""},
            "addresses": [{"type": "InternalIP", "address": "10.224.0.4"}, {"type": "Hostname", "address": name}],
        },
    })
}

fn remove(step: &Step<'_>, cluster: &mut Cluster, name: &str) {
    step.by("cloud-controller-manager", "").delete(cluster, STORE, "", name);
    let pods: Vec<(String, String)> = cluster
        .objects("/pods", "", None)
        .filter(|(_, pod)| text(pod, "/spec/nodeName") == name)
        .map(|(_, pod)| (text(pod, "/metadata/namespace").to_owned(), text(pod, "/metadata/name").to_owned()))
        .collect();
    for (namespace, pod) in pods {
        step.by("kube-controller-manager", "").delete(cluster, "/pods", &namespace, &pod);
    }
}

/// A node changed: it becomes ready, and what waits for nodes is woken.
pub(super) fn noticed(cluster: &mut Cluster, now: u64, settings: &Settings, event: &Event) {
    let ready =
        |node: Option<&std::sync::Arc<Value>>| node.is_some_and(|node| crate::kube::definitions::is(node, "Ready"));
    if let (Some(node), Some(delay)) = (&event.after, settings.delay(settings.controllers.nodes))
        && !ready(event.after.as_ref())
        && !is_ending(node)
        && event.before.is_none()
    {
        cluster.schedule(now + delay, &format!("node//{}", text(node, "/metadata/name")));
    }
    if ready(event.before.as_ref()) != ready(event.after.as_ref()) || event.after.is_none() {
        wake_pods(cluster, now);
    }
    let gpus = |node: Option<&std::sync::Arc<Value>>| {
        node.and_then(|node| node.pointer("/status/allocatable")).and_then(|all| all.get(GPU)).cloned()
    };
    if gpus(event.before.as_ref()) != gpus(event.after.as_ref()) {
        wake_pods(cluster, now);
    }
}

fn wake_pods(cluster: &mut Cluster, now: u64) {
    let mut due: Vec<String> =
        cluster.objects("apps/daemonsets", "", None).map(|(key, _)| format!("daemonset/{key}")).collect();
    let waiting = cluster.objects("/pods", "", None).filter(|(_, pod)| text(pod, "/spec/nodeName").is_empty());
    due.extend(waiting.map(|(key, _)| format!("pod/{key}")));
    for what in due {
        cluster.schedule(now, &what);
    }
}

/// A node becomes ready.
pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, name: &str) {
    let Some(node) = cluster.object(STORE, "", name).cloned() else { return };
    step.by("kube-controller-manager", "").modify(cluster, STORE, "", name, |node| {
        if let Some(spec) = node.get_mut("spec").and_then(Value::as_object_mut) {
            let kept: Vec<Value> = spec
                .get("taints")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter(|taint| text(taint, "/key") != "node.kubernetes.io/not-ready")
                .cloned()
                .collect();
            if kept.is_empty() {
                spec.remove("taints")
            } else {
                spec.insert("taints".into(), Value::Array(kept))
            };
        }
    });
    let mut conditions: Vec<Value> = [
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ]
    .into_iter()
    .map(|(kind, reason, message)| step.condition(&node, kind, false, reason, message))
    .collect();
    conditions.push(step.condition(&node, "Ready", true, "KubeletReady", "kubelet is posting ready status"));
    let stamp = time::rfc3339(step.now);
    for condition in &mut conditions {
        if let Some(map) = condition.as_object_mut() {
            map.insert("lastHeartbeatTime".into(), json!(stamp));
        }
    }
    step.by("kubelet", "status").modify(cluster, STORE, "", name, |node| {
        if let Some(status) = node.get_mut("status").and_then(Value::as_object_mut) {
            status.insert("conditions".into(), Value::Array(conditions));
        }
    });
}

/// The nodes that would take a pod. Those of a DaemonSet are taken while a node is not ready yet.
pub(super) fn that_take(cluster: &Cluster, spec: &Value, daemon: bool) -> Vec<String> {
    let bound = text(spec, "/nodeName");
    let all = cluster.objects(STORE, "", None).map(|(_, node)| node);
    let taken = all.filter(|node| {
        let ready = daemon || crate::kube::definitions::is(node, "Ready");
        (bound.is_empty() || text(node, "/metadata/name") == bound) && ready && takes(node, spec, daemon)
    });
    taken.map(|node| text(node, "/metadata/name").to_owned()).collect()
}

/// Whether a node would take a pod: by selector, affinity, taints, and GPUs.
fn takes(node: &Value, spec: &Value, daemon: bool) -> bool {
    let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
    let selector = spec.get("nodeSelector").cloned().unwrap_or_else(|| json!({}));
    if !Labels::of_selector(&json!({"matchLabels": selector})).matches(labels) {
        return false;
    }
    let terms = list(spec, "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
    if !terms.is_empty() && !terms.iter().any(|term| Labels::of_selector(term).matches(labels)) {
        return false;
    }
    let tolerated = |taint: &Value| {
        let key = text(taint, "/key");
        let effect = text(taint, "/effect");
        (daemon && key.starts_with("node.kubernetes.io/"))
            || effect == "PreferNoSchedule"
            || list(spec, "/tolerations").iter().any(|one| {
                let any_key = text(one, "/key").is_empty() && text(one, "/operator") == "Exists";
                let value = text(one, "/operator") == "Exists" || text(one, "/value") == text(taint, "/value");
                (any_key || text(one, "/key") == key)
                    && value
                    && (text(one, "/effect").is_empty() || text(one, "/effect") == effect)
            })
    };
    let wanted: u64 = list(spec, "/containers")
        .iter()
        .filter_map(|container| container.pointer("/resources/limits")?.get(GPU)?.as_str()?.parse::<u64>().ok())
        .sum();
    let there = node
        .pointer("/status/allocatable")
        .and_then(|all| all.get(GPU))
        .and_then(Value::as_str)
        .and_then(|gpus| gpus.parse::<u64>().ok());
    list(node, "/spec/taints").iter().all(tolerated) && wanted <= there.unwrap_or(0)
}

/// A pod runs: where it is a device plugin, its node shows its GPUs.
pub(super) fn plugin_runs(step: &Step<'_>, cluster: &mut Cluster, pod: &Value) {
    let plugin =
        list(pod, "/spec/containers").iter().any(|container| text(container, "/image").contains("k8s-device-plugin"));
    if !plugin {
        return;
    }
    let name = text(pod, "/spec/nodeName").to_owned();
    let Some(node) = cluster.object(STORE, "", &name) else { return };
    let pool = text(node, "/metadata/labels/agentpool").to_owned();
    let gpus =
        cluster.note(&format!("pool/{pool}")).and_then(|about| about.get("gpus")).and_then(Value::as_u64).unwrap_or(0);
    if gpus == 0 {
        return;
    }
    step.by("kubelet", "status").modify(cluster, STORE, "", &name, |node| {
        for key in ["capacity", "allocatable"] {
            if let Some(amounts) = node.pointer_mut(&format!("/status/{key}")).and_then(Value::as_object_mut) {
                amounts.insert(GPU.into(), json!(gpus.to_string()));
            }
        }
    });
}
