//! The seam between the faces: what Azure orders from the clusters.

use std::collections::BTreeMap;

/// A cluster that Azure wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterOrder {
    /// Names the cluster for ever; a later cluster of the same name has another one.
    pub uid: String,
    /// Its name in Azure.
    pub name: String,
    /// The full version, such as `1.34.4`.
    pub version: String,
    /// The host name under which Azure says the API is.
    pub fqdn: String,
    /// The group that holds nodes and addresses.
    pub node_group: String,
    /// The region, for the labels of nodes.
    pub location: String,
}

/// The nodes of one pool, as wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolOrder {
    /// The pool's name.
    pub name: String,
    /// How many nodes.
    pub count: u32,
    /// The size of their machines.
    pub vm_size: String,
    /// The full version of their kubelets; empty: the cluster's.
    pub version: String,
    /// `System` or `User`.
    pub mode: String,
    /// Labels of the pool.
    pub labels: BTreeMap<String, String>,
    /// Taints as Azure writes them, such as `sku=gpu:NoSchedule`.
    pub taints: Vec<String>,
    /// GPUs of each node.
    pub gpus: u32,
    /// Cores of each node.
    pub cores: u32,
    /// Memory of each node, in MiB.
    pub memory_mib: u64,
}

/// How the outside reaches a cluster's API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The server URL.
    pub server: String,
    /// The CA that signs the server's certificate (PEM).
    pub ca_pem: String,
    /// The certificate of the cluster's administrator (PEM), where the transport can make one.
    pub client_certificate_pem: String,
    /// Its key (PEM).
    pub client_key_pem: String,
    /// The certificate again, in the form the transport sees (DER).
    pub client_certificate_der: Vec<u8>,
}

/// All that a kubeconfig is made of.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The server URL.
    pub server: String,
    /// The CA (PEM).
    pub ca_pem: String,
    /// The client certificate (PEM), empty where there is none.
    pub client_certificate_pem: String,
    /// Its key (PEM), empty where there is none.
    pub client_key_pem: String,
    /// The bearer token.
    pub token: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Credentials").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The clusters, as Azure sees them. Asking twice does no more than asking once.
pub trait Fleet {
    /// A cluster begins: its API answers from now on, without nodes.
    fn create_cluster(&mut self, now: u64, order: &ClusterOrder);
    /// A cluster is gone at once with everything in it.
    fn delete_cluster(&mut self, now: u64, cluster: &str);
    /// The control plane gets another version.
    fn upgrade_cluster(&mut self, now: u64, cluster: &str, version: &str);
    /// The nodes of a pool become as ordered: missing ones join, superfluous ones (the highest numbers) leave.
    fn set_nodes(&mut self, now: u64, cluster: &str, pool: &PoolOrder);
    /// A pool is gone with its nodes.
    fn remove_pool(&mut self, now: u64, cluster: &str, pool: &str);
    /// How to reach the cluster as its administrator, or as the ordinary user.
    fn credentials(&self, cluster: &str, admin: bool) -> Option<Credentials>;
    /// How many nodes the pending pods ask for beyond the pool's: what an autoscaler would add.
    fn unscheduled(&self, cluster: &str, pool: &str) -> u32;
}
