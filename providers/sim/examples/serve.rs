//! Serves one simulated cluster until it is ended, and prints its kubeconfig.
//!
//! `cargo run -p kfplan-sim --example serve -- FOLDER [VERSION] [bare]`; `bare` leaves all controllers out
//! but the one that establishes custom kinds.

use std::io::Write;
use std::path::PathBuf;

use kfplan_sim::{ClusterOrder, Controllers, Fleet, Options, Sandbox, SandboxOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let version = arguments.next().unwrap_or_else(|| "1.34.4".into());
    let bare = arguments.next().is_some_and(|word| word == "bare");
    let controllers =
        if bare { Controllers { definitions: Some(0), ..Controllers::off() } } else { Controllers::default() };
    let world = Options { controllers, ..Options::default() };
    let sandbox = Sandbox::open(&folder, SandboxOptions { world, ..SandboxOptions::default() })?;
    sandbox.start().await?;
    let order = ClusterOrder {
        uid: "one".into(),
        name: "one".into(),
        version,
        fqdn: "one.example".into(),
        ..ClusterOrder::default()
    };
    sandbox.with_world(move |world, now| world.kube_mut().create_cluster(now, &order)).await?;
    let kubeconfig = sandbox.kubeconfig("one").ok_or("no cluster")?;
    writeln!(std::io::stdout(), "{kubeconfig}")?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
