//! Schemas like the real ones, small enough to read.

use kfplan_plan::{Field, OnChange, OutputField, Schema, Shape};

fn output(name: &'static str) -> OutputField {
    OutputField { name, summary: "what it says", sensitive: false }
}

fn list(shape: Shape) -> Shape {
    Shape::List(Box::new(shape))
}

fn map(shape: Shape) -> Shape {
    Shape::Map(Box::new(shape))
}

fn int(min: i64, max: i64) -> Shape {
    Shape::Int { min: Some(min), max: Some(max) }
}

fn cluster() -> Field {
    let types = vec!["aks_cluster", "kubernetes_cluster"];
    Field::required("cluster", Shape::Handle(types), "the cluster it is on").deciding().changing(OnChange::Replace)
}

fn group() -> Schema {
    Schema {
        type_name: "resource_group",
        summary: "An Azure resource group",
        fields: vec![
            Field::required("name", Shape::String, "the name in Azure").deciding().changing(OnChange::Replace),
            Field::required("location", Shape::String, "the region").changing(OnChange::Replace),
            Field::optional("tags", map(Shape::String), "tags"),
        ],
        outputs: vec![output("id")],
        existing: true,
        objects: false,
        azure: true,
    }
}

fn pool_fields() -> Vec<Field> {
    let autoscale =
        vec![Field::required("min", int(0, 1000), "fewest nodes"), Field::required("max", int(1, 1000), "most nodes")];
    vec![
        Field::required("vm_size", Shape::String, "the size of the machines").changing(OnChange::Rotate),
        Field::optional("count", int(0, 1000), "how many nodes").not_with(&["autoscale"]),
        Field::optional("autoscale", Shape::Table(autoscale), "let the autoscaler choose"),
        Field::optional("node_labels", map(Shape::String), "labels of the nodes"),
        Field::optional(
            "taints",
            list(Shape::Checked {
                pattern: "^[^=]+=[^:]*:(NoSchedule|PreferNoSchedule|NoExecute)$",
                rule: "write `KEY=VALUE:EFFECT`, such as `sku=gpu:NoSchedule`",
                check: |text| text.contains(':'),
            }),
            "taints of the nodes",
        ),
    ]
}

fn aks_cluster() -> Schema {
    Schema {
        type_name: "aks_cluster",
        summary: "An AKS cluster",
        fields: vec![
            Field::required("resource_group", Shape::Handle(vec!["resource_group"]), "the group it is in")
                .deciding()
                .changing(OnChange::Replace),
            Field::required("name", Shape::String, "the name in Azure").deciding().changing(OnChange::Replace),
            Field::optional("location", Shape::String, "the region; the group's when not stated")
                .changing(OnChange::Replace),
            Field::optional(
                "kubernetes_version",
                Shape::Checked {
                    pattern: "^[0-9]+\\.[0-9]+(\\.[0-9]+)?$",
                    rule: "write `MAJOR.MINOR`, such as `\"1.34\"`",
                    check: |text| text.split('.').count() >= 2,
                },
                "Kubernetes version",
            ),
            Field::optional("tier", Shape::Choice(vec!["free", "standard", "premium"]), "price tier").or("free"),
            Field::optional("private", Shape::Bool, "whether the API server has no public address")
                .or(false)
                .changing(OnChange::Replace),
            Field::optional("admin_password", Shape::String, "a password").secret(),
            Field::required("system_pool", Shape::Table(pool_fields()), "the first pool"),
        ],
        outputs: vec![
            output("id"),
            output("fqdn"),
            OutputField { name: "kubelet_token", summary: "a token", sensitive: true },
        ],
        existing: true,
        objects: false,
        azure: true,
    }
}

fn pool() -> Schema {
    let mut fields = vec![
        Field::required("cluster", Shape::Handle(vec!["aks_cluster"]), "the cluster it is in")
            .deciding()
            .changing(OnChange::Replace),
    ];
    fields.extend(pool_fields());
    Schema {
        type_name: "aks_node_pool",
        summary: "A pool of nodes",
        fields,
        outputs: vec![output("id")],
        existing: false,
        objects: false,
        azure: true,
    }
}

fn azure_resource() -> Schema {
    Schema {
        type_name: "azure_resource",
        summary: "Any resource of Azure",
        fields: vec![
            Field::required("type", Shape::String, "the ARM type").deciding(),
            Field::required("api_version", Shape::String, "the API version"),
            Field::required(
                "parent",
                Shape::Either(vec![Shape::Handle(vec!["resource_group", "azure_resource"]), Shape::String]),
                "what it is in",
            )
            .deciding(),
            Field::required("name", Shape::String, "the name in Azure").deciding(),
            Field::optional("body", Shape::Any, "the body").not_with(&["body_file"]).unless(&["body_file"]),
            Field::optional("body_file", Shape::File, "a JSON file with the body")
                .not_with(&["body"])
                .unless(&["body"]),
        ],
        outputs: vec![output("id"), output("properties")],
        existing: true,
        objects: false,
        azure: true,
    }
}

fn kubernetes_cluster() -> Schema {
    Schema {
        type_name: "kubernetes_cluster",
        summary: "A cluster that exists",
        fields: vec![
            Field::required(
                "kubeconfig",
                Shape::Either(vec![Shape::Choice(vec!["in-cluster", "~/.kube/config"]), Shape::File]),
                "the kubeconfig, or `in-cluster`",
            ),
            Field::required("context", Shape::String, "the context"),
        ],
        outputs: vec![output("endpoint")],
        existing: false,
        objects: false,
        azure: false,
    }
}

fn plugin() -> Schema {
    Schema {
        type_name: "nvidia_device_plugin",
        summary: "NVIDIA's device plug-in",
        fields: vec![
            Field::optional("pools", list(Shape::Handle(vec!["aks_node_pool"])), "the pools with GPUs")
                .not_with(&["cluster"])
                .unless(&["cluster"]),
            Field { required: false, ..cluster() }.unless(&["pools"]),
            Field::optional("node_selector", map(Shape::String), "labels of the nodes"),
            Field::optional("version", Shape::String, "version of the plug-in").or("0.17.0"),
        ],
        outputs: vec![],
        existing: false,
        objects: true,
        azure: false,
    }
}

fn patch_fields() -> Vec<Field> {
    vec![
        Field::required("target", Shape::Target, "the objects to patch"),
        Field::optional("inside", Shape::Path, "a document inside of a string"),
        Field::optional("merge", Shape::Any, "fields to merge in"),
        Field::optional("remove", list(Shape::Path), "paths to take out"),
        Field::optional("optional", Shape::Bool, "whether it may hit nothing").or(false),
    ]
}

fn kubeflow() -> Schema {
    let dashboard = vec![
        Field::optional("expose", Shape::Choice(vec!["none", "load_balancer", "internal"]), "how it is published")
            .or("none"),
        Field::optional("source_ranges", list(Shape::String), "who may reach it").not_with(&["public"]),
        Field::optional("public", Shape::Bool, "everybody may reach it"),
    ];
    Schema {
        type_name: "kubeflow",
        summary: "Kubeflow",
        fields: vec![
            cluster(),
            Field::optional("kustomization", Shape::Source, "the kustomization")
                .deciding()
                .not_with(&["kfdef"])
                .unless(&["kfdef"]),
            Field::optional("kfdef", Shape::Source, "the KfDef")
                .deciding()
                .not_with(&["kustomization"])
                .unless(&["kustomization"]),
            Field::optional("remove", list(Shape::String), "applications to leave out").deciding(),
            Field::optional("add", list(Shape::Source), "kustomizations to add").deciding(),
            Field::optional(
                "aks_patches",
                Shape::Either(vec![
                    Shape::Choice(vec!["auto"]),
                    list(Shape::Choice(vec![
                        "dashboard-load-balancer",
                        "mpi-operator",
                        "admissions-enforcer",
                        "pipeline-tls",
                        "containerd-executor",
                        "image-pins",
                    ])),
                ]),
                "built-in patches",
            )
            .or("auto"),
            Field::optional("dashboard", Shape::Table(dashboard), "the dashboard"),
            Field::optional("patch", list(Shape::Table(patch_fields())), "patches of one's own"),
        ],
        outputs: vec![output("dashboard_url")],
        existing: false,
        objects: true,
        azure: false,
    }
}

fn manifests() -> Schema {
    Schema {
        type_name: "manifests",
        summary: "Any objects",
        fields: vec![
            cluster(),
            Field::optional("files", list(Shape::Glob), "files of objects").deciding().not_with(&["kustomization"]),
            Field::optional("kustomization", Shape::Source, "a kustomization").deciding(),
            Field::optional("yaml", Shape::String, "objects as text").verbatim_unless("template"),
            Field::optional("template", Shape::Bool, "whether `yaml` holds expressions").or(false),
        ],
        outputs: vec![],
        existing: false,
        objects: true,
        azure: false,
    }
}

fn patch() -> Schema {
    let mut fields = vec![cluster()];
    fields.extend(patch_fields().into_iter().filter(|field| field.name != "optional" && field.name != "inside"));
    Schema {
        type_name: "patch",
        summary: "Fields of an object",
        fields,
        outputs: vec![],
        existing: false,
        objects: true,
        azure: false,
    }
}

/// Every type of the tests.
pub(super) fn schemas() -> Vec<Schema> {
    vec![
        group(),
        patch(),
        aks_cluster(),
        pool(),
        azure_resource(),
        kubernetes_cluster(),
        plugin(),
        kubeflow(),
        manifests(),
    ]
}
