//! Connections: one a cluster, made once for all who ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kfplan_model::ResourceAddress;
use kfplan_plan::{Class, Discovery, Trouble};
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::sync::{Mutex, OnceCell};

use crate::transport;

/// Who knows how to get into a cluster.
#[async_trait]
pub trait Access: Send + Sync {
    /// The kubeconfig of a cluster, as text. Holds secrets.
    async fn kubeconfig(&self, cluster: &ResourceAddress) -> Result<String, Trouble>;
}

/// A way into one cluster. Neither `Debug` nor serialisable: it holds a credential.
pub(crate) struct Connection {
    pub(crate) client: kube::Client,
    /// What the cluster served when it was last asked.
    pub(crate) discovery: Mutex<Option<Arc<Discovery>>>,
}

/// The connections of a session.
pub(crate) struct Connections {
    access: Arc<dyn Access>,
    cells: Mutex<BTreeMap<ResourceAddress, Arc<OnceCell<Arc<Connection>>>>>,
}

impl Connections {
    pub(crate) fn new(access: Arc<dyn Access>) -> Self {
        Self { access, cells: Mutex::default() }
    }

    /// The connection to a cluster, made now if there is none.
    pub(crate) async fn get(&self, cluster: &ResourceAddress) -> Result<Arc<Connection>, Trouble> {
        let cell = self.cells.lock().await.entry(cluster.clone()).or_default().clone();
        cell.get_or_try_init(|| self.connect(cluster)).await.cloned()
    }

    /// Forgets a connection, so that the next caller makes a new one.
    pub(crate) async fn forget(&self, cluster: &ResourceAddress) {
        self.cells.lock().await.remove(cluster);
    }

    async fn connect(&self, cluster: &ResourceAddress) -> Result<Arc<Connection>, Trouble> {
        let text = self.access.kubeconfig(cluster).await?;
        // The parser's message may quote the text, which holds secrets.
        let wrong = |what: &str| {
            Trouble::new(
                Class::Auth,
                "kubeconfig",
                format!("the kubeconfig of `{cluster}` {what}"),
                "get it anew with `kfplan credentials`, or correct the file",
            )
        };
        let kubeconfig = Kubeconfig::from_yaml(&text).map_err(|_| wrong("cannot be read"))?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|_| wrong("names a context, cluster, or user that it does not hold"))?;
        let client = transport::client(&config).map_err(|error| wrong(&error.to_string()))?;
        Ok(Arc::new(Connection { client, discovery: Mutex::default() }))
    }
}
