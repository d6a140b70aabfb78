//! A stack that is small enough to be applied often: a group, a cluster with two pools, and a few objects.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::place::{Place, copy};

const STACK: &str = r#"[stack]
name = "tiny"

[vars]
colour = { default = "green" }
token  = { type = "string", default = "none", sensitive = true }

[azure]
subscription = "Sandbox"

[resource_group.main]
name     = "Tiny"
location = "westus2"

[aks_cluster.main]
resource_group     = "${resource_group.main}"
name               = "TinyCluster"
kubernetes_version = "1.34"
[aks_cluster.main.system_pool]
vm_size = "Standard_D4s_v3"
count   = 1

[aks_node_pool.work]
cluster = "${aks_cluster.main}"
vm_size = "Standard_D4s_v3"
count   = 1

[manifests.app]
cluster = "${aks_cluster.main}"
files   = ["k8s/*.yaml"]

[outputs]
server = "https://${aks_cluster.main.fqdn}"
colour = "${vars.colour}"
"#;

const OBJECTS: &str = "apiVersion: v1
kind: Namespace
metadata:
  name: app
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: app
data:
  colour: green
  size: small
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
  namespace: app
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests: {storage: 5Gi}
";

/// The tiny stack, not applied.
#[must_use]
pub fn empty() -> Place {
    let place = Place::new();
    place.write("kfplan.toml", STACK);
    place.write("k8s/app.yaml", OBJECTS);
    place
}

/// The tiny stack, applied: a copy of one that was applied once, state and sandbox and all. `scratch` is a folder of
/// the build that tests may write to.
///
/// # Panics
///
/// When it cannot be applied.
#[must_use]
pub fn applied(scratch: &str) -> Place {
    static APPLIED: OnceLock<PathBuf> = OnceLock::new();
    let folder = APPLIED.get_or_init(|| {
        let place = empty();
        let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
        let kept = PathBuf::from(scratch).join("tiny");
        if kept.exists() {
            std::fs::remove_dir_all(&kept).expect("a writable build folder");
        }
        copy(place.path(), &kept, true);
        kept
    });
    Place::copy_of_place(folder)
}
