//! The simulated cloud: started in this process, or found where another one serves it.

use std::path::{Path, PathBuf};

use kfplan_sim::{Arm, ArmSettings, LentCluster, Sandbox, SandboxOptions, SimError};
use serde::{Deserialize, Serialize};

use crate::error::{Failure, SessionError};
use crate::options::Options;
use crate::place::Place;

/// How to reach a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// Azure Resource Manager and the token service.
    pub(crate) azure_url: String,
    /// The CA of all its certificates, PEM.
    pub(crate) ca_pem: String,
    /// A file that holds it.
    pub(crate) ca_file: PathBuf,
    /// The process that serves it.
    pub(crate) process: u32,
}

/// A sandbox that can be reached. One that this process started ends with it.
pub(crate) struct Reached {
    pub(crate) reach: Reach,
    own: Option<(Sandbox, PathBuf)>,
}

const NOTE: &str = "served.json";

fn failed(error: &SimError) -> SessionError {
    let help = match error {
        SimError::Locked { .. } => "another kfplan uses this sandbox; wait for it to end",
        _ => "`kfplan sandbox --reset` begins with an empty world",
    };
    Failure::new("sandbox", crate::repos::reason(error), help).into()
}

/// Reaches the sandbox of a stack: the one that another process serves, else one started here.
pub(crate) async fn reach(options: &Options, port: Option<u16>) -> Result<Reached, SessionError> {
    let place = Place::of(options);
    place.make_own()?;
    let folder = place.sandbox();
    let note = folder.join(NOTE);
    let lent = lent(options)?;
    let until = std::time::Instant::now() + options.lock_timeout.max(std::time::Duration::from_secs(5));
    loop {
        let world = kfplan_sim::Options::default();
        let front = Arm::new(ArmSettings { lent: lent.clone(), ..(&world).into() });
        match Sandbox::open(&folder, SandboxOptions { world, front: Some(Box::new(front)), port }) {
            Ok(sandbox) => return start(sandbox, &note).await,
            Err(SimError::Locked { .. }) => {
                if let Some(reach) = served(&note).await {
                    if lent.is_some() {
                        return Err(Failure::new(
                            "sandbox::served",
                            format!("process {} serves this sandbox, and lends no cluster", reach.process),
                            "give `--sandbox-cluster` to the command that serves it, or end that one",
                        )
                        .into());
                    }
                    return Ok(Reached { reach, own: None });
                }
                if std::time::Instant::now() > until {
                    return Err(Failure::new(
                        "sandbox::locked",
                        "another kfplan uses this sandbox and does not serve it",
                        "wait for it to end",
                    )
                    .exits(crate::Exit::Locked)
                    .into());
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Err(error) => return Err(failed(&error)),
        }
    }
}

/// The control plane that `--sandbox-cluster` lends.
fn lent(options: &Options) -> Result<Option<LentCluster>, SessionError> {
    let Some(path) = &options.sandbox_cluster else { return Ok(None) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| SessionError::system(&format!("read the kubeconfig `{}`", path.display()), &error))?;
    Ok(Some(LentCluster::new(text)))
}

async fn start(sandbox: Sandbox, note: &Path) -> Result<Reached, SessionError> {
    let endpoints = sandbox.start().await.map_err(|error| failed(&error))?;
    let reach = Reach {
        azure_url: endpoints.azure_url,
        ca_pem: endpoints.ca_pem,
        ca_file: endpoints.ca_file,
        process: std::process::id(),
    };
    let text = serde_json::to_string(&reach).expect("strings and numbers are JSON");
    std::fs::write(note, text).map_err(|error| SessionError::system("note where the sandbox is served", &error))?;
    Ok(Reached { reach, own: Some((sandbox, note.to_owned())) })
}

/// Where another process serves this world, if it answers.
async fn served(note: &Path) -> Option<Reach> {
    let reach: Reach = serde_json::from_str(&std::fs::read_to_string(note).ok()?).ok()?;
    let client = crate::tls::client(Some(&reach.ca_pem)).ok()?;
    let url = format!("{}/metadata/endpoints?api-version=2022-09-01", reach.azure_url);
    client.get(url).send().await.ok().filter(|answer| answer.status().is_success()).map(|_| reach)
}

impl Reached {
    /// Stops what this process started; the world is kept.
    pub(crate) fn stop(self) {
        if let Some((sandbox, note)) = self.own {
            // Nobody should look for it here any more; a stale note is found out by asking.
            let _ = std::fs::remove_file(note);
            drop(sandbox);
        }
    }
}

/// A sandbox that is served to others.
pub struct ServedSandbox {
    reached: Reached,
    folder: PathBuf,
}

/// Serves the sandbox of a folder until it is stopped.
///
/// # Errors
///
/// When another process has it, or no port can be had.
pub async fn serve_sandbox(options: &Options, port: u16, reset: bool) -> Result<ServedSandbox, SessionError> {
    crate::tls::install();
    let place = Place::of(options);
    if reset && place.sandbox().exists() {
        std::fs::remove_dir_all(place.sandbox())
            .map_err(|error| SessionError::system("forget the sandbox's world", &error))?;
    }
    let reached = reach(options, (port != 0).then_some(port)).await?;
    if reached.own.is_none() {
        return Err(Failure::new(
            "sandbox::served",
            format!("process {} serves this sandbox already, at {}", reached.reach.process, reached.reach.azure_url),
            "use that one, or end it first",
        )
        .into());
    }
    Ok(ServedSandbox { reached, folder: options.directory.clone() })
}

impl ServedSandbox {
    /// How other clients use it.
    #[must_use]
    pub fn instructions(&self) -> String {
        let Reach { azure_url, ca_file, .. } = &self.reached.reach;
        let settings = kfplan_sim::ArmSettings::from(&kfplan_sim::Options::default());
        format!(
            "SANDBOX: the simulated cloud of `{}`, at {azure_url}\n\n\
             # Azure CLI\n\
             export REQUESTS_CA_BUNDLE={ca} AZURE_CONFIG_DIR=$PWD/.kfplan/az AZURE_CORE_COLLECT_TELEMETRY=false\n\
             az cloud register -n Sandbox --endpoint-resource-manager {azure_url}\n\
             az cloud set -n Sandbox\n\
             az config set core.instance_discovery=false\n\
             az login --service-principal -u {client} -p sandbox-secret --tenant {tenant}\n\n\
             # kfplan, from another terminal: uses this sandbox\n\
             kfplan plan --sandbox\n\n\
             # kubectl, once there is a cluster\n\
             kfplan credentials --sandbox --file sandbox.kubeconfig\n\
             kubectl --kubeconfig sandbox.kubeconfig get nodes\n\n\
             Ctrl-C ends it; the world is kept.\n",
            self.folder.display(),
            ca = ca_file.canonicalize().unwrap_or_else(|_| ca_file.clone()).display(),
            client = settings.principals.first().map(|(id, _)| id.as_str()).unwrap_or_default(),
            tenant = settings.tenant,
        )
    }

    /// Ends it; the world is kept.
    pub async fn stop(self) {
        self.reached.stop();
    }
}

/// How often the simulated cloud is asked: its clock runs faster than Azure's.
pub(crate) fn pace() -> kfplan_azure::Pace {
    kfplan_azure::Pace::default()
}
