//! Which controllers run, and how slowly.

/// What plays the parts that no API server plays. Delays are milliseconds of real life, before the
/// world's speed divides them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controllers {
    /// Workloads get pods, statuses, and endpoints; after this long they are ready.
    pub workloads: Option<u64>,
    /// CustomResourceDefinitions become established after this long.
    pub definitions: Option<u64>,
    /// Webhooks answer so long after the pods behind them are ready.
    pub webhooks: Option<u64>,
    /// `caBundle`s are filled by the controllers that really do so, after this long.
    pub injection: Option<u64>,
    /// Certificates and issuers become ready after this long.
    pub certificates: Option<u64>,
    /// Services get load balancer addresses after this long.
    pub load_balancers: Option<u64>,
    /// Claims are bound after this long.
    pub volumes: Option<u64>,
    /// AKS rewrites the namespace selectors of webhook configurations after this long.
    pub enforcer: Option<u64>,
    /// The enforcer's historic form: one key instead of two.
    pub enforcer_historic: bool,
    /// ClusterRoles are aggregated after this long.
    pub aggregation: Option<u64>,
    /// A Profile gets its namespace after this long.
    pub profiles: Option<u64>,
    /// Autoscalers set their targets' replicas after this long.
    pub autoscalers: Option<u64>,
    /// A node is ready after this long.
    pub nodes: Option<u64>,
    /// Namespaces and owned objects are gone after this long.
    pub collection: Option<u64>,
}

impl Default for Controllers {
    fn default() -> Controllers {
        Controllers {
            workloads: Some(20_000),
            definitions: Some(1_000),
            webhooks: Some(5_000),
            injection: Some(3_000),
            certificates: Some(5_000),
            load_balancers: Some(30_000),
            volumes: Some(5_000),
            enforcer: Some(1_000),
            enforcer_historic: false,
            aggregation: Some(500),
            profiles: Some(2_000),
            autoscalers: Some(15_000),
            nodes: Some(20_000),
            collection: Some(1_000),
        }
    }
}

impl Controllers {
    /// None at all: a bare API server.
    #[must_use]
    pub fn off() -> Controllers {
        Controllers {
            workloads: None,
            definitions: None,
            webhooks: None,
            injection: None,
            certificates: None,
            load_balancers: None,
            volumes: None,
            enforcer: None,
            enforcer_historic: false,
            aggregation: None,
            profiles: None,
            autoscalers: None,
            nodes: None,
            collection: None,
        }
    }

    /// All of these, so many times slower.
    #[must_use]
    pub fn slowed(mut self, times: u64) -> Controllers {
        for delay in [
            &mut self.workloads,
            &mut self.definitions,
            &mut self.webhooks,
            &mut self.injection,
            &mut self.certificates,
            &mut self.load_balancers,
            &mut self.volumes,
            &mut self.enforcer,
            &mut self.aggregation,
            &mut self.profiles,
            &mut self.autoscalers,
            &mut self.nodes,
            &mut self.collection,
        ]
        .into_iter()
        .flatten()
        {
            *delay = delay.saturating_mul(times);
        }
        self
    }
}
