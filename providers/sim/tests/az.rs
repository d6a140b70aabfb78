//! The real Azure CLI against the served sandbox: Microsoft's own client says whether the simulated ARM is right.
//!
//! The CLI comes from PyPI into a cache folder (`KFPLAN_CACHE`, else `target/`), once. Where Python or PyPI cannot be
//! had, the test says so loudly and is skipped; with `CI=true` it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kfplan_sim::{Arm, ArmSettings, Endpoints, Options, Sandbox, SandboxOptions};
use serde_json::Value;

/// The version that was tried.
const VERSION: &str = "2.91.0";
/// How many times faster than in reality things get done: a cluster takes half a second.
const SPEED: u64 = 500;

/// The CLI, set up for one sandbox.
struct Az {
    python: PathBuf,
    folder: PathBuf,
    ca: PathBuf,
}

impl Az {
    fn run(&self, line: &str) -> Output {
        let mut command = Command::new(&self.python);
        command.args(["-m", "azure.cli"]).args(words(line)).args(["--output", "json", "--only-show-errors"]);
        command.env("AZURE_CONFIG_DIR", self.folder.join("config")).env("HOME", &self.folder);
        command.env("AZURE_CORE_COLLECT_TELEMETRY", "false").env("REQUESTS_CA_BUNDLE", &self.ca);
        command.env("PYTHONPATH", self.folder.join("python")).env("KUBECONFIG", self.folder.join("kubeconfig"));
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command.output().unwrap_or_else(|error| panic!("az {line}: {error}"))
    }

    /// What a command prints; it must succeed.
    fn ok(&self, line: &str) -> Value {
        let output = self.run(line);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "az {line}\n{error}");
        let text = String::from_utf8_lossy(&output.stdout);
        if text.trim().is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    /// What a command says that must fail.
    fn refused(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(!output.status.success(), "az {line} succeeded");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// The words of a command line; quotes hold some together.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// Python with the CLI in it, installed if it is not there yet.
fn install() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let cache = std::env::var_os("KFPLAN_CACHE").map_or(target, PathBuf::from);
    let venv = cache.join(format!("az-{VERSION}"));
    let (python, whole) = (venv.join("bin/python"), venv.join("installed"));
    if whole.exists() {
        return Ok(python);
    }
    let run = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let package = format!("azure-cli=={VERSION}");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", &package]))?;
    std::fs::write(&whole, VERSION).map_err(|error| error.to_string())?;
    Ok(python)
}

/// The CLI, or nothing, said loudly.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn python() -> Option<PathBuf> {
    match install() {
        Ok(python) => Some(python),
        Err(why) => {
            let ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(!ci, "azure-cli {VERSION} cannot be installed: {why}");
            eprintln!("SKIPPED: azure-cli {VERSION} cannot be installed: {why}");
            None
        }
    }
}

/// Sets the CLI up for a sandbox and logs in.
fn login(python: PathBuf, folder: &Path, endpoints: &Endpoints, settings: &ArmSettings) -> Az {
    let az = Az { python, folder: folder.to_owned(), ca: endpoints.ca_file.clone() };
    // Between two polls the CLI waits 30 seconds, in which a hundred clusters come and go here.
    let patience = "import time\n_sleep = time.sleep\ntime.sleep = lambda seconds: _sleep(min(seconds, 0.2))\n";
    std::fs::create_dir_all(folder.join("python")).expect("a folder can be made");
    std::fs::write(folder.join("python/sitecustomize.py"), patience).expect("a file can be written");
    let (client, secret) = settings.principals.first().expect("somebody may log in");
    az.ok(&format!("cloud register --name Sandbox --endpoint-resource-manager {}", endpoints.azure_url));
    az.ok("cloud set --name Sandbox");
    az.ok("config set core.instance_discovery=false");
    let login =
        format!("login --service-principal --username {client} --password {secret} --tenant {}", settings.tenant);
    let found = az.ok(&login);
    assert_eq!(found[0]["name"], "Sandbox");
    az.ok("account set --subscription Sandbox");
    az
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|entry| entry["name"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_azure_cli_works_against_the_sandbox() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let settings = ArmSettings { speed: SPEED, ..ArmSettings::default() };
    let options = SandboxOptions {
        world: Options { speed: SPEED, ..Options::default() },
        front: Some(Box::new(Arm::new(settings.clone()))),
        port: None,
    };
    let sandbox = Sandbox::open(&folder.path().join("world"), options).expect("the sandbox opens");
    let endpoints = sandbox.start().await.expect("the sandbox starts");
    let home = folder.path().join("home");
    let az = tokio::task::spawn_blocking(move || login(python, &home, &endpoints, &settings)).await.expect("no panic");
    tokio::task::spawn_blocking(move || {
        groups(&az);
        clusters(&az);
        pools(&az);
        goes(&az);
    })
    .await
    .expect("no panic");
}

fn groups(az: &Az) {
    let wrong = az.refused(
        "login --service-principal --username nobody --password x --tenant 11111111-1111-4111-8111-111111111111",
    );
    assert!(wrong.contains("AADSTS700016"), "{wrong}");
    let made = az.ok("group create --name KubeTest --location westus2 --tags team=ml");
    assert_eq!((&made["properties"]["provisioningState"], &made["tags"]["team"]), (&"Succeeded".into(), &"ml".into()));
    assert_eq!(az.ok("group show --name kubetest")["location"], "westus2");
    assert_eq!(names(&az.ok("group list --tag team=ml")), ["KubeTest"]);
    let missing = az.refused("aks show --resource-group KubeTest --name absent");
    assert!(missing.contains("ResourceNotFound") && missing.contains("ARMResourceNotFoundFix"), "{missing}");
}

fn clusters(az: &Az) {
    let versions = az.ok("aks get-versions --location westus2");
    assert_eq!(versions["values"].as_array().map(Vec::len), Some(18));
    let made = az
        .ok("aks create --resource-group KubeTest --name KubeTestCluster --kubernetes-version 1.34 --node-count 2 \
         --node-vm-size Standard_D4s_v3 --no-ssh-key --tags team=ml");
    assert_eq!((&made["provisioningState"], &made["kubernetesVersion"]), (&"Succeeded".into(), &"1.34".into()));
    assert_eq!(made["currentKubernetesVersion"], "1.34.8");
    assert_eq!(made["nodeResourceGroup"], "MC_KubeTest_KubeTestCluster_westus2");
    let shown = az.ok("aks show --resource-group kubetest --name kubetestcluster");
    assert_eq!(shown["id"], made["id"]);
    assert_eq!(names(&az.ok("aks list")), ["KubeTestCluster"]);
    az.ok("aks get-credentials --resource-group KubeTest --name KubeTestCluster");
    let config = std::fs::read_to_string(az.folder.join("kubeconfig")).expect("there is a kubeconfig");
    assert!(
        config.contains("clusterUser_KubeTest_KubeTestCluster") && config.contains("server: https://127.0.0.1:"),
        "{config}"
    );
}

fn pools(az: &Az) {
    let place = "--resource-group KubeTest --cluster-name KubeTestCluster";
    let made = az.ok(&format!(
        "aks nodepool add {place} --name gpu --node-count 1 --node-vm-size Standard_NC4as_T4_v3 \
         --node-taints sku=gpu:NoSchedule --enable-cluster-autoscaler --min-count 0 --max-count 2"
    ));
    assert_eq!(
        (&made["provisioningState"], &made["nodeTaints"][0]),
        (&"Succeeded".into(), &"sku=gpu:NoSchedule".into())
    );
    assert_eq!(names(&az.ok(&format!("aks nodepool list {place}"))), ["nodepool1", "gpu"]);
    let changed = az
        .ok(&format!("aks nodepool update {place} --name gpu --update-cluster-autoscaler --min-count 1 --max-count 3"));
    assert_eq!((&changed["minCount"], &changed["maxCount"], &changed["count"]), (&1.into(), &3.into(), &1.into()));
    assert_eq!(changed["nodeTaints"][0], "sku=gpu:NoSchedule", "an update keeps what it does not name");
    let retired =
        az.refused(&format!("aks nodepool add {place} --name old --node-count 1 --node-vm-size Standard_NC6"));
    assert!(retired.contains("The VM size of Standard_NC6 is not allowed"), "{retired}");
    az.ok(&format!("aks nodepool delete {place} --name gpu"));
    assert_eq!(names(&az.ok(&format!("aks nodepool list {place}"))), ["nodepool1"]);
}

fn goes(az: &Az) {
    az.ok("aks delete --resource-group KubeTest --name KubeTestCluster --yes");
    assert_eq!(names(&az.ok("aks list")), [""; 0]);
    az.ok("group delete --name KubeTest --yes");
    assert_eq!(names(&az.ok("group list")), [""; 0]);
}
