//! What happens by itself as the world's clock goes on: operations end, and the autoscaler moves counts.

use serde_json::{Value, json};

use super::operations::{Begin, Outcome, Teller, Work};
use super::state::{Arm, Cluster, State, object, text};
use super::time;
use crate::fleet::Fleet;

/// How long after its pods asked the autoscaler brings a node.
const SCALE_UP: u64 = 90 * time::SECOND;
/// How long ended operations can still be asked about.
const REMEMBERED: u64 = time::DAY;

impl Arm {
    /// Lets everything happen that is due by `now`, in order.
    pub(crate) fn progress(&mut self, now: u64, fleet: &mut dyn Fleet) {
        while let Some((at, id)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            self.due.remove(&(at, id.clone()));
            self.end(&id, at, fleet);
        }
        self.autoscale(now, fleet);
        if self.operations.len() > 200 {
            let oldest = now.saturating_sub(REMEMBERED);
            self.operations.retain(|_, operation| !operation.done || operation.ends.is_none_or(|ends| ends > oldest));
        }
    }

    /// The next moment at which something happens by itself.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Lets the autoscaler look: where pods wait for nodes, it brings them.
    fn autoscale(&mut self, now: u64, fleet: &dyn Fleet) {
        let mut wanted = Vec::new();
        for (key, cluster) in &mut self.clusters {
            let uid = cluster.uid().to_owned();
            for pool in cluster.pools.iter_mut().filter(|pool| pool.autoscaled() && pool.state == State::Succeeded) {
                let target = pool.clamp(pool.count().saturating_add(fleet.unscheduled(&uid, &pool.name)));
                if target > pool.count() && pool.scaling.is_none_or(|under_way| under_way < target) {
                    pool.scaling = Some(target);
                    wanted.push((key.clone(), pool.name.clone(), target));
                }
            }
        }
        for (key, pool, target) in wanted {
            let work = Work::Scale(key, pool, target);
            self.begin(now, Begin { subscription: "", place: "", teller: Teller::Aks, work, lasts: SCALE_UP });
        }
    }

    fn end(&mut self, id: &str, at: u64, fleet: &mut dyn Fleet) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        if operation.done {
            return;
        }
        operation.done = true;
        operation.ends = Some(at);
        self.revision += 1;
        let (work, outcome) = (operation.work.clone(), operation.outcome.clone());
        let state = match outcome {
            Outcome::Succeeded => State::Succeeded,
            Outcome::Canceled => State::Canceled,
            Outcome::Failed { .. } => State::Failed,
        };
        match work {
            Work::CreateCluster(key) | Work::UpdateCluster(key) => self.cluster_ended(at, id, &key, state, fleet),
            Work::DeleteCluster(key) => match state {
                State::Succeeded => self.remove_cluster(at, &key, fleet),
                _ => self.cluster_ended(at, id, &key, state, fleet),
            },
            Work::AbortCluster { cluster, aborted } => {
                self.cancel(aborted.as_deref(), at);
                self.cluster_ended(at, id, &cluster, State::Canceled, fleet);
            }
            Work::CreatePool(key, pool) | Work::UpdatePool(key, pool) => {
                self.pool_ended(at, id, (&key, &pool), state, fleet)
            }
            Work::DeletePool(key, pool) => match state {
                State::Succeeded => self.remove_pool(at, id, (&key, &pool), fleet),
                _ => self.pool_ended(at, id, (&key, &pool), state, fleet),
            },
            Work::AbortPool { cluster, pool, aborted } => {
                self.cancel(aborted.as_deref(), at);
                self.pool_ended(at, id, (&cluster, &pool), State::Canceled, fleet);
            }
            Work::DeleteGroup(key) => self.group_ended(at, &key, state, fleet),
            Work::Scale(key, pool, count) => self.scale(at, &key, &pool, count, fleet),
            Work::Settle(key, body) if state == State::Succeeded => self.settle(&key, body),
            Work::Register(key) => self.registrations.set(&key, true),
            Work::Settle(key, _) => self.unsettle(&key, state),
            Work::Nothing => {}
        }
    }

    /// Ends an operation that was aborted.
    fn cancel(&mut self, id: Option<&str>, at: u64) {
        let Some(operation) = id.and_then(|id| self.operations.get_mut(id)) else { return };
        operation.done = true;
        operation.ends = Some(at);
        operation.outcome = Outcome::Canceled;
    }

    fn cluster_ended(&mut self, at: u64, id: &str, key: &str, state: State, fleet: &mut dyn Fleet) {
        let (address, client, principal) = (self.dice.guid(), self.dice.guid(), self.dice.guid());
        let Some(cluster) = self.clusters.get_mut(key) else { return };
        cluster.state = state;
        if cluster.operation.as_deref() == Some(id) {
            cluster.operation = None;
        }
        for pool in &mut cluster.pools {
            pool.state = state;
            pool.properties.insert("count".into(), json!(pool.clamp(pool.count())));
        }
        if state == State::Succeeded {
            complete(cluster, &address, &client, &principal);
        }
        self.touch(key, None);
        self.furnish(at, key, fleet);
    }

    fn pool_ended(&mut self, at: u64, id: &str, (key, pool): (&str, &str), state: State, fleet: &mut dyn Fleet) {
        let Some(cluster) = self.clusters.get_mut(key) else { return };
        if cluster.operation.as_deref() == Some(id) {
            cluster.operation = None;
        }
        if let Some(pool) = cluster.pool_mut(pool) {
            pool.state = state;
            pool.properties.insert("count".into(), json!(pool.clamp(pool.count())));
        }
        self.touch(key, Some(pool));
        self.furnish(at, key, fleet);
    }

    fn remove_pool(&mut self, at: u64, id: &str, (key, pool): (&str, &str), fleet: &mut dyn Fleet) {
        let Some(cluster) = self.clusters.get_mut(key) else { return };
        if cluster.operation.as_deref() == Some(id) {
            cluster.operation = None;
        }
        cluster.pools.retain(|known| !known.name.eq_ignore_ascii_case(pool));
        fleet.remove_pool(at, cluster.uid(), pool);
        self.touch(key, None);
        self.furnish(at, key, fleet);
    }

    fn scale(&mut self, now: u64, key: &str, pool: &str, count: u32, fleet: &mut dyn Fleet) {
        let Some(known) = self.clusters.get_mut(key).and_then(|cluster| cluster.pool_mut(pool)) else { return };
        if known.scaling.is_some_and(|latest| latest <= count) {
            known.scaling = None;
        }
        // An update meanwhile may have moved the bounds, or taken the pool from the autoscaler.
        if known.autoscaled() && known.state == State::Succeeded && known.clamp(count) == count && known.count() < count
        {
            known.properties.insert("count".into(), json!(count));
            self.touch(key, Some(pool));
            self.furnish(now, key, fleet);
        }
    }

    /// Gives a cluster a new eTag, and one pool or all of them.
    pub(crate) fn touch(&mut self, key: &str, only: Option<&str>) {
        let Some(cluster) = self.clusters.get_mut(key) else { return };
        cluster.etag = Some(self.dice.guid());
        for pool in &mut cluster.pools {
            if only.is_none_or(|name| pool.name.eq_ignore_ascii_case(name)) || pool.etag.is_none() {
                pool.etag = Some(self.dice.guid());
            }
        }
    }

    /// Takes a cluster away, with its node group and all in it.
    fn remove_cluster(&mut self, at: u64, key: &str, fleet: &mut dyn Fleet) {
        let Some(cluster) = self.clusters.remove(key) else { return };
        fleet.delete_cluster(at, cluster.uid());
        let nodes = super::state::group_key(&cluster.subscription, cluster.node_group());
        self.groups.remove(&nodes);
        self.empty_group(&nodes);
    }

    fn group_ended(&mut self, at: u64, key: &str, state: State, fleet: &mut dyn Fleet) {
        if state != State::Succeeded {
            if let Some(group) = self.groups.get_mut(key) {
                group.deleting = false;
            }
            return;
        }
        let inside = format!("{key}/");
        let clusters: Vec<String> = self.clusters.keys().filter(|id| id.starts_with(&inside)).cloned().collect();
        for cluster in clusters {
            self.remove_cluster(at, &cluster, fleet);
        }
        self.empty_group(key);
        self.groups.remove(key);
    }

    fn empty_group(&mut self, key: &str) {
        let inside = format!("{key}/");
        self.resources.retain(|id, _| !id.starts_with(&inside));
    }
}

/// What a GET shows once a cluster is there, and the answer to the create does not.
fn complete(cluster: &mut Cluster, address: &str, client: &str, principal: &str) {
    let (subscription, nodes) = (cluster.subscription.clone(), cluster.node_group().to_owned());
    let name = cluster.name.clone();
    let mut network = object(&cluster.properties, "networkProfile");
    let mut balancer = object(&network, "loadBalancerProfile");
    if text(&network, "outboundType") == "loadBalancer" && !balancer.contains_key("effectiveOutboundIPs") {
        let id = format!(
            "/subscriptions/{subscription}/resourceGroups/{nodes}/providers/Microsoft.Network/publicIPAddresses/{address}"
        );
        balancer.insert("effectiveOutboundIPs".into(), json!([{ "id": id }]));
        network.insert("loadBalancerProfile".into(), Value::Object(balancer));
        cluster.properties.insert("networkProfile".into(), Value::Object(network));
    }
    let kubelet = format!(
        "/subscriptions/{subscription}/resourcegroups/{nodes}/providers/Microsoft.ManagedIdentity\
         /userAssignedIdentities/{name}-agentpool"
    );
    cluster.properties.entry("identityProfile").or_insert_with(
        || json!({"kubeletidentity": {"resourceId": kubelet, "clientId": client, "objectId": principal}}),
    );
    let identities = cluster.identity.as_mut().and_then(|identity| identity.get_mut("userAssignedIdentities"));
    for identity in identities.and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
        if identity.as_object().is_none_or(|known| known.is_empty()) {
            *identity = json!({"clientId": client, "principalId": principal});
        }
    }
}
