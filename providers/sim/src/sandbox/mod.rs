//! Serves a world that lasts: over TLS on loopback, and in process.

mod certificates;
mod serve;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::error::SimError;
use crate::log::{Lock, Log, Opened};
use crate::wire::{Face, Request, Response};
use crate::world::{Front, Options, World};
use certificates::Authority;

/// How a sandbox is opened.
#[derive(Default)]
pub struct SandboxOptions {
    /// How its world behaves.
    pub world: Options,
    /// Who speaks for Azure.
    pub front: Option<Box<dyn Front>>,
    /// The port for Azure; by default the one of last time where it is free, else any.
    pub port: Option<u16>,
}

/// Where a started sandbox is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Azure Resource Manager, and under the same authority the token service.
    pub azure_url: String,
    /// The certificate of the CA that signed all server certificates (PEM).
    pub ca_pem: String,
    /// A file that holds it.
    pub ca_file: PathBuf,
}

/// A world that lasts, and the servers that stand before it. They end when it is dropped.
pub struct Sandbox {
    shared: Arc<Shared>,
    folder: PathBuf,
    port: Option<u16>,
    tasks: Mutex<Vec<tokio::task::AbortHandle>>,
    _lock: Lock,
}

/// What the servers share.
pub(crate) struct Shared {
    world: Mutex<World>,
    log: Arc<Log>,
    authority: Authority,
    /// Counts up whenever the world may have changed.
    changed: watch::Sender<u64>,
    /// Listeners that are bound and wait for somebody to accept on them; none before the start.
    bound: Mutex<Option<Bound>>,
}

/// The listeners of the clusters.
#[derive(Default)]
struct Bound {
    served: BTreeSet<String>,
    fresh: Vec<(String, TcpListener)>,
}

impl Sandbox {
    /// Opens the world of a folder, or begins one there.
    ///
    /// # Errors
    ///
    /// [`SimError::Locked`] when another process has it, [`SimError::Damaged`] or
    /// [`SimError::Format`] when its log cannot be trusted, [`SimError::File`] and
    /// [`SimError::Certificate`] when the folder cannot be used.
    pub fn open(folder: &Path, options: SandboxOptions) -> Result<Sandbox, SimError> {
        std::fs::create_dir_all(folder).map_err(SimError::file("create", folder))?;
        let lock = Lock::take(folder, &format!("process {}", std::process::id()))?;
        let authority = Authority::open(folder)?;
        let mut opened = Opened::read(folder)?;
        let mut world = World::new(options.world);
        if let Some(front) = options.front {
            world = world.with_front(front);
        }
        world.replay(std::mem::take(&mut opened.deltas));
        let snapshot = opened.is_bloated().then(|| world.snapshot());
        let log = opened.resume(snapshot)?;
        let shared =
            Shared { world: Mutex::new(world), log, authority, changed: watch::channel(0).0, bound: Mutex::new(None) };
        Ok(Sandbox {
            shared: Arc::new(shared),
            folder: folder.to_owned(),
            port: options.port,
            tasks: Mutex::default(),
            _lock: lock,
        })
    }

    /// Starts the servers.
    ///
    /// # Errors
    ///
    /// [`SimError::Listen`] when no port can be had, [`SimError::Certificate`] when TLS cannot be set up.
    pub async fn start(&self) -> Result<Endpoints, SimError> {
        let noted = self
            .shared
            .world()
            .note("azure_port")
            .and_then(|port| port.as_u64())
            .and_then(|port| u16::try_from(port).ok());
        let listener = match self.port {
            Some(port) => bind_exactly(port)?,
            None => bind(noted)?,
        };
        let port = port_of(&listener)?;
        let tls = serve::tls(&self.shared.authority)?;
        *lock(&self.shared.bound) = Some(Bound::default());
        let ticket = {
            let mut world = self.shared.world();
            world.set_note("azure_port", port.into());
            world.advance(now());
            self.shared.finish(&mut world)
        };
        self.shared.log.wait(ticket).await?;
        let azure = tokio::spawn(serve::accept(self.shared.clone(), tls.clone(), listener, Face::Azure));
        let clock = tokio::spawn(serve::run_clock(self.shared.clone()));
        let clusters = tokio::spawn(serve::accept_clusters(self.shared.clone(), tls));
        lock(&self.tasks).extend([azure.abort_handle(), clock.abort_handle(), clusters.abort_handle()]);
        Ok(Endpoints {
            azure_url: format!("https://127.0.0.1:{port}"),
            ca_pem: self.shared.authority.pem().to_owned(),
            ca_file: self.folder.join(certificates::CA_FILE),
        })
    }

    /// Answers a request in process; the answer is durable like any other.
    ///
    /// # Errors
    ///
    /// [`SimError::LogStopped`] when the log can no longer be written.
    pub async fn call(&self, request: &Request) -> Result<Response, SimError> {
        self.shared.call(request).await
    }

    /// The kubeconfig of a cluster's administrator.
    #[must_use]
    pub fn kubeconfig(&self, cluster: &str) -> Option<String> {
        let credentials = crate::fleet::Fleet::credentials(self.shared.world().kube(), cluster, true)?;
        Some(credentials.kubeconfig(cluster))
    }

    /// Does something to the world that no client can, durably.
    ///
    /// # Errors
    ///
    /// [`SimError::LogStopped`] when the log can no longer be written.
    pub async fn with_world<T: Send>(&self, what: impl FnOnce(&mut World, u64) -> T + Send) -> Result<T, SimError> {
        let (ticket, out) = {
            let mut world = self.shared.world();
            let out = what(&mut world, now());
            (self.shared.finish(&mut world), out)
        };
        self.shared.log.wait(ticket).await?;
        Ok(out)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for task in lock(&self.tasks).drain(..) {
            task.abort();
        }
        // The lock goes after this, so that the next holder finds a log that nobody writes.
        self.shared.log.stop();
    }
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    async fn call(&self, request: &Request) -> Result<Response, SimError> {
        let (ticket, answer) = {
            let mut world = self.world();
            let answer = world.handle(now(), request);
            (self.finish(&mut world), answer)
        };
        // Also what only looked waits: it may have seen what is not on disk yet.
        self.log.wait(ticket).await?;
        Ok(answer)
    }

    /// Gives new clusters a place to be reached, hands what changed to the log, and wakes who waits for changes.
    fn finish(&self, world: &mut World) -> u64 {
        if let Some(bound) = lock(&self.bound).as_mut() {
            for cluster in world.kube().clusters() {
                if bound.served.contains(&cluster) {
                    continue;
                }
                let before = world.kube().access(&cluster).and_then(|access| port_in(&access.server));
                // Without a port the cluster stays unreachable, as with a control plane that is down; the next change tries again.
                let Ok(listener) = bind(before) else { continue };
                let Ok(port) = port_of(&listener) else { continue };
                let Ok(access) = self.authority.access(world.kube().access(&cluster), port) else { continue };
                world.kube_mut().set_access(&cluster, &access);
                bound.served.insert(cluster.clone());
                bound.fresh.push((cluster, listener));
            }
        }
        let deltas = world.take_deltas();
        if !deltas.is_empty() {
            self.changed.send_modify(|count| *count += 1);
        }
        self.log.append(deltas)
    }

    fn fresh_listeners(&self) -> Vec<(String, TcpListener)> {
        lock(&self.bound).as_mut().map(|bound| std::mem::take(&mut bound.fresh)).unwrap_or_default()
    }
}

/// Locks; a panic elsewhere has left nothing half done that the log would not show.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The wall clock, in milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn port_in(server: &str) -> Option<u16> {
    server.strip_prefix("https://127.0.0.1:")?.parse().ok()
}

fn bind(wished: Option<u16>) -> Result<TcpListener, SimError> {
    match wished.map(bind_exactly) {
        Some(Ok(listener)) => Ok(listener),
        Some(Err(_)) | None => bind_exactly(0),
    }
}

fn bind_exactly(port: u16) -> Result<TcpListener, SimError> {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let listen = |source| SimError::Listen { address: address.to_string(), source };
    let listener = TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(|source| SimError::Listen { address: address.to_string(), source })?;
    Ok(listener)
}

fn port_of(listener: &TcpListener) -> Result<u16, SimError> {
    let address = listener.local_addr().map_err(|source| SimError::Listen { address: "127.0.0.1".into(), source })?;
    Ok(address.port())
}

#[cfg(test)]
mod tests;
