//! What a stack file means.

use kfplan_model::{Stack, Value};
use proptest::prelude::*;

use super::schemas::schemas;
use super::{options, shown};
use crate::load;

/// The sample of the design, as far as it is there yet.
pub(super) const SAMPLE: &str = r#"
[stack]
name = "kubeflow-test"

[vars]
location = { default = "westus2", description = "Azure region" }
gpu_max  = { type = "int", default = 2 }
[env.prod]
vars = { gpu_max = 8 }

[azure]
subscription = { env = "AZURE_SUBSCRIPTION_ID" }
credential   = "auto"

[repos.manifests]
url = "https://github.com/kubeflow/manifests/archive/refs/heads/release-26.03.tar.gz"

[resource_group.main]
name     = "KubeTest"
location = "${vars.location}"

[aks_cluster.main]
resource_group     = "${resource_group.main}"
name               = "KubeTestCluster"
kubernetes_version = "1.34"
[aks_cluster.main.system_pool]
vm_size = "Standard_D4s_v3"
count   = 2

[aks_node_pool.gpu]
cluster   = "${aks_cluster.main}"
enabled   = "${env.name == 'prod'}"
vm_size   = "Standard_NC4as_T4_v3"
autoscale = { min = 0, max = "${vars.gpu_max}" }
taints    = ["sku=gpu:NoSchedule"]

[nvidia_device_plugin.main]
pools = ["${aks_node_pool.gpu}"]

[kubeflow.main]
cluster       = "${aks_cluster.main}"
kustomization = "@manifests/example"
remove        = ["common/oauth2-proxy/overlays/m2m-dex-only"]
add           = ["@manifests/common/oauth2-proxy/overlays/m2m-dex-and-kind"]
aks_patches   = "auto"
[kubeflow.main.dashboard]
expose        = "load_balancer"
source_ranges = ["203.0.113.0/24"]

[[kubeflow.main.patch]]
target = { kind = "ConfigMap", namespace = "kubeflow", name = "workflow-controller-configmap" }
inside = "/data/config"
merge  = { containerRuntimeExecutor = "pns" }
remove = ["/executorImage"]

[manifests.extra]
cluster = "${aks_cluster.main}"
files   = ["k8s/*.yaml"]

[outputs]
dashboard = "${kubeflow.main.dashboard_url}"
"#;

pub(super) fn loaded(text: &str, line: &str) -> Stack {
    load(text, "kfplan.toml", &options(line), &schemas()).unwrap_or_else(|errors| panic!("{}", shown(&errors)))
}

/// The body of a stack, with what every stack needs.
pub(super) fn stack(body: &str) -> String {
    format!(
        "[stack]\nname = \"s\"\n[azure]\nsubscription = \"sub\"\n[resource_group.main]\nname = \"g\"\nlocation = \"westus2\"\n\
         [aks_cluster.main]\nresource_group = \"${{resource_group.main}}\"\nname = \"kf\"\n[aks_cluster.main.system_pool]\nvm_size = \"D4\"\n{body}"
    )
}

fn fields(stack: &Stack) -> String {
    let resources = stack.resources.values().map(|resource| {
        let waits: Vec<String> = resource.depends_on.iter().map(ToString::to_string).collect();
        format!("{} {:?}\n    after [{}]", resource.address, resource.fields, waits.join(", "))
    });
    let outputs = stack.outputs.iter().map(|output| format!("output {} = {:?}", output.name, output.value));
    let warnings = stack.warnings.iter().map(|warning| format!("warning: {warning}"));
    resources.chain(outputs).chain(warnings).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_in_its_default_environment_has_no_gpu_pool_and_no_plug_in() {
    insta::assert_snapshot!(fields(&loaded(SAMPLE, "")));
}

#[test]
fn the_sample_in_production_has_both() {
    let stack = loaded(SAMPLE, "env=prod");
    let pool = stack.resources.get(&"aks_node_pool.gpu".parse().expect("an address")).expect("the pool");
    assert_eq!(format!("{:?}", pool.fields.get("autoscale")), r#"Some({"max": 8, "min": 0})"#);
    let plugin = stack.resources.get(&"nvidia_device_plugin.main".parse().expect("an address")).expect("the plug-in");
    assert_eq!(format!("{:?}", plugin.fields.get("pools")), "Some([aks_node_pool.gpu])");
    assert_eq!((stack.environment.as_str(), stack.scope.env_name.as_str()), ("prod", "prod"));
}

#[test]
fn the_sandbox_is_an_environment_of_its_own_and_needs_no_account() {
    let stack = loaded(SAMPLE, "sandbox unset:AZURE_SUBSCRIPTION_ID");
    assert_eq!((stack.environment.as_str(), stack.scope.env_name.as_str()), ("sandbox", "default"));
    assert_eq!(stack.azure.expect("azure").subscription, None);
    let stack = loaded(SAMPLE, "sandbox env=prod");
    assert_eq!((stack.environment.as_str(), stack.scope.env_name.as_str()), ("sandbox-prod", "prod"));
}

#[test]
fn for_each_makes_instances_that_others_read_by_key() {
    insta::assert_snapshot!(fields(&loaded(
        &stack(
            r#"
[aks_node_pool.gpu]
for_each = { t4 = { size = "NC4", on = true }, a100 = { size = "NC24", on = true }, v100 = { size = "NC6", on = false } }
enabled  = "${each.value.on}"
cluster  = "${aks_cluster.main}"
vm_size  = "Standard_${each.value.size}"
node_labels = { "kfplan/pool" = "${each.key}" }
[aks_node_pool.named]
for_each = ["b", "a"]
cluster  = "${aks_cluster.main}"
vm_size  = "${aks_node_pool.gpu[\"t4\"].vm_size}"
node_labels = { id = "${aks_node_pool.gpu[\"t4\"].id}" }
[nvidia_device_plugin.all]
pools = ["${aks_node_pool.gpu}", "${aks_node_pool.named[\"a\"]}"]
[nvidia_device_plugin.one_each]
for_each = ["t4", "a100"]
pools    = ["${aks_node_pool.gpu[each.key]}"]
[outputs]
ids = "${aks_node_pool.named.map(k, aks_node_pool.named[k].id)}"
sizes = "${aks_node_pool.gpu[\"t4\"].vm_size}"
"#
        ),
        ""
    )));
}

#[test]
fn what_reads_an_output_is_late_and_what_reads_a_stated_field_is_known() {
    insta::assert_snapshot!(fields(&loaded(
        &stack(
            r#"
[azure_resource.bus]
type = "Microsoft.ServiceBus/namespaces"
api_version = "2021-11-01"
parent = "${resource_group.main}"
name = "bus-${resource_group.main.location}"
[azure_resource.bus.body]
properties = { host = "https://${aks_cluster.main.fqdn}/", tier = "${aks_cluster.main.tier}", token = "${aks_cluster.main.kubelet_token}", open = "$${x}" }
[azure_resource.old]
existing = true
type = "a/b"
api_version = "1"
parent = "/subscriptions/x"
name = "old"
[outputs]
body = "${azure_resource.old.properties}"
"#
        ),
        ""
    )));
}

#[test]
fn inline_yaml_holds_expressions_only_when_it_says_so() {
    let yaml = |opt_in: &str| {
        let text = stack(&format!(
            "[manifests.m]\ncluster = \"${{aks_cluster.main}}\"\nyaml = \"a: ${{env.name}} $${{b}} ${{x\"\n{opt_in}"
        ));
        let text = if opt_in.is_empty() { text } else { text.replace(" ${x", "") };
        let stack = loaded(&text, "");
        format!(
            "{:?}",
            stack.resources.get(&"manifests.m".parse().expect("an address")).and_then(|found| found.fields.get("yaml"))
        )
    };
    assert_eq!(yaml(""), r#"Some("a: ${env.name} $${b} ${x")"#);
    assert_eq!(yaml("template = true"), r#"Some("a: default ${b}")"#);
    assert_eq!(yaml("template = \"${env.name == 'prod'}\""), r#"Some("a: ${env.name} $${b}")"#);
}

#[test]
fn meta_tables_are_read() {
    let stack = loaded(
        &stack(
            r#"
[manifests.m]
cluster    = "${aks_cluster.main}"
template   = true
yaml       = "a: ${literally}$${x}"
depends_on = ["${resource_group.main}"]
timeouts   = { create = "1h30m", ready = "90s" }
[manifests.m.lifecycle]
prevent_destroy = true
ignore_changes = ["/spec/replicas", "/spec/containers[name=main]/image"]
replace_triggered_by = ["${aks_cluster.main}"]
[[manifests.m.conflict]]
target = { kind = "Deployment", labels = { app = "x" } }
path   = "/spec/replicas"
policy = "yield"
[[manifests.m.readiness]]
target  = { kind = "Job" }
wait    = false
timeout = "10m"
[[moved]]
from = "manifests.old"
to   = "manifests.m"
[[removed]]
from = "aks_node_pool.gone[\"a\"]"
"#
            .replace("${literally}", "$${literally}")
            .as_str(),
        ),
        "",
    );
    let resource = stack.resources.get(&"manifests.m".parse().expect("an address")).expect("the resource");
    insta::assert_snapshot!(format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        resource.fields,
        resource.depends_on.iter().map(ToString::to_string).collect::<Vec<_>>(),
        resource.timeouts,
        resource.lifecycle,
        resource.conflicts,
        resource.readiness,
        stack.moved,
        stack.removed
    ));
}

#[test]
fn existing_may_depend_on_the_environment() {
    let text = "[stack]\nname = \"s\"\n[azure]\nsubscription = \"x\"\n[aks_cluster.main]\nexisting = \"${env.name == 'prod'}\"\nname = \"kf\"\n\
                resource_group = \"${resource_group.main}\"\nsystem_pool = { vm_size = \"D4\" }\n[resource_group.main]\nexisting = true\nname = \"g\"\n[env.prod]\n";
    let tier = |line: &str| {
        let stack = loaded(text, line);
        let cluster =
            stack.resources.get(&"aks_cluster.main".parse().expect("an address")).expect("the cluster").clone();
        (cluster.existing, cluster.fields.get("tier").cloned())
    };
    assert_eq!(tier(""), (false, Some(Value::from("free"))));
    assert_eq!(tier("env=prod"), (true, None));
}

#[test]
fn no_error_shows_what_a_sensitive_variable_holds() {
    let body = "[vars]\np = { sensitive = true, default = \"hunter2\" }\n[kubeflow.main]\ncluster = \"${aks_cluster.main}\"\nkustomization = \"${vars.p}\"\nadd = [\"@${vars.p}/x\"]\n\
                aks_patches = [\"${vars.p}\"]\n[[kubeflow.main.patch]]\ntarget = { kind = \"${vars.p}\" }\ninside = \"${vars.p}\"\n[manifests.m]\ncluster = \"${aks_cluster.main}\"\nfiles = [\"${vars.p}\"]\n\
                [aks_node_pool.a]\ncluster = \"${aks_cluster.main}\"\nvm_size = \"${vars.p + 1}\"\ntaints = [\"${vars.p}\"]\ncount = \"${vars.p}\"\n";
    let errors = load(&stack(body), "kfplan.toml", &options(""), &schemas()).expect_err("broken");
    let shown = shown(&errors);
    assert!(errors.count() >= 7, "{shown}");
    assert!(!shown.contains("hunter2") && !format!("{errors:?}").contains("hunter2"), "{shown}");
}

#[test]
fn a_position_is_known_of_every_stated_field() {
    let stack = loaded(SAMPLE, "");
    let cluster = stack.resources.get(&"aks_cluster.main".parse().expect("an address")).expect("the cluster");
    let at = |path: &str| cluster.positions.get(&path.parse().expect("a path")).map(|at| (at.line, at.column));
    assert_eq!(at("/kubernetes_version"), Some((25, 1)));
    assert_eq!(at("/system_pool/vm_size"), Some((27, 1)));
    assert_eq!((cluster.at.line, cluster.at.column), (22, 1));
}

#[test]
fn an_inline_table_over_several_lines_is_taken_with_a_warning() {
    let stack = loaded(
        &stack(
            "[aks_node_pool.gpu]\ncluster = \"${aks_cluster.main}\"\nvm_size = \"x\"\nautoscale = {\n  min = 0,\n  max = 3,\n}\n",
        ),
        "",
    );
    insta::assert_snapshot!(stack.warnings.join("\n"));
}

#[test]
fn at_most_100_errors_are_shown_and_the_rest_is_counted() {
    let body: String = (0..150)
        .map(|index| format!("[aks_node_pool.p{index}]\nvm_size = {index}\ncluster = \"${{aks_cluster.main}}\"\n"))
        .collect();
    let errors = load(&stack(&body), "kfplan.toml", &options(""), &schemas()).expect_err("broken");
    assert_eq!((errors.errors().len(), errors.count()), (100, 150));
    assert!(shown(&errors).contains("and 50 more"));
}

#[test]
fn a_sensitive_variable_stays_so_wherever_it_goes() {
    let stack = loaded(
        &stack(
            "[aks_node_pool.gpu]\ncluster = \"${aks_cluster.main}\"\nvm_size = \"${vars.p}\"\nnode_labels = { a = \"x-${vars.p}\" }\n[vars]\np = { sensitive = true, default = \"hunter2\" }\n",
        ),
        "",
    );
    let pool = stack.resources.get(&"aks_node_pool.gpu".parse().expect("an address")).expect("the pool");
    assert!(pool.fields.get("vm_size").is_some_and(Value::is_sensitive));
    assert!(pool.fields.get("node_labels").is_some_and(Value::is_sensitive));
    assert!(!format!("{stack:?}").contains("hunter2"));
}

proptest! {
    /// No text makes anything panic, and whatever is shown can be shown.
    #[test]
    fn any_text_is_a_stack_or_refused(text in "(\\[|\\]|=|\"|'|\\$\\{|\\}|\\{|\n|\\.|,|#|[a-z0-9 ]|é){0,80}") {
        if let Err(errors) = load(&text, "kfplan.toml", &options(""), &schemas()) {
            prop_assert!(!shown(&errors).is_empty());
        }
    }

    /// The sample, broken anywhere, is refused or read, never a panic, and both times alike.
    #[test]
    fn a_broken_sample_gives_equal_answers(at in 0..SAMPLE.len(), length in 0..12_usize, put in "[\\[\\]=\"${}a-z0-9 .\n]{0,8}", prod in any::<bool>()) {
        let mut text = SAMPLE.to_owned();
        let end = (at + length).min(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(end) {
            text.replace_range(at..end, &put);
        }
        let line = if prod { "env=prod" } else { "validate" };
        let answer = || load(&text, "kfplan.toml", &options(line), &schemas()).map_err(|errors| shown(&errors));
        let (first, second) = (answer(), answer());
        prop_assert_eq!(format!("{first:?}"), format!("{second:?}"));
    }
}
