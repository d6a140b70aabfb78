//! kfplan is killed at any moment, and the same command again comes to the same end: no orphan, nothing twice,
//! no lock that outlives its process.
//!
//! ```text
//! KFPLAN_KILLS=100 KFPLAN_SEED=7 cargo test -p kfplan-tests --test crash -- --nocapture
//! ```
//!
//! Ends with what was counted, one line a stack. `… --test crash guide` takes the guide's stack alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use kfplan_tests::{Cloud, Place, Ran, shared};

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const DESTROY: [&str; 3] = ["destroy", "--auto-approve", "--delete-data"];
const LIST: [&str; 3] = ["state", "list", "--sandbox"];
const CLUSTER: &str = "/resourcegroups/KubeTest/providers/Microsoft.ContainerService/managedClusters/KubeTestCluster\
                       ?api-version=2024-09-01";

/// Random numbers that a seed decides (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn setting(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return default };
    text.parse().unwrap_or_else(|_| panic!("`{name}` must be a number, and is `{text}`"))
}

/// One stack of the examples, and what it is in the end.
struct Trial {
    folder: &'static str,
    /// The stack's name, which marks whatever is made.
    stack: &'static str,
    /// What every command that renders is given.
    with: Vec<String>,
    /// How many lines of progress an apply has, about.
    lines: u64,
    /// How many things carry the mark at least.
    least: usize,
}

impl Trial {
    fn arguments<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        let mut all = command.to_vec();
        all.push("--sandbox");
        all.extend(self.with.iter().map(String::as_str));
        all
    }

    fn run(&self, place: &Place, command: &[&str]) -> Ran {
        place.run(&self.arguments(command))
    }

    /// Whatever exists with the stack's mark.
    fn existing(&self, place: &Place, cloud: &Cloud) -> BTreeMap<String, String> {
        let azure = cloud.marked(self.stack);
        let mut all = BTreeMap::new();
        let (status, cluster) = cloud.azure("GET", CLUSTER, None);
        // While Azure makes it, nobody can be asked what is in it, and nothing is.
        if status == 200 && cluster["properties"]["provisioningState"] != "Creating" {
            all.extend(cloud.cluster(place).marked(self.stack));
        }
        for (address, id) in azure {
            let twice = all.insert(address.clone(), id);
            assert!(twice.is_none(), "`{address}` is there twice");
        }
        all
    }

    /// Applies under kills until one apply ends by itself, then destroys under kills, and so on.
    fn carry_out(&self) {
        let undisturbed = Place::copy_of(self.folder);
        let _ = self.run(&undisturbed, &APPLY).exits(0);
        let wanted = undisturbed.run(&LIST).exits(0).out;

        let place = Place::copy_of(self.folder);
        let cloud = Cloud::serve(&place);
        let (seed, total) = (setting("KFPLAN_SEED", 1), setting("KFPLAN_KILLS", 10));
        let mut dice = Dice(seed);
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let (mut up, mut kills, mut of_apply, mut rounds) = (true, total, 0, 0);
        while kills > 0 {
            let command = self.arguments(if up { &APPLY } else { &DESTROY });
            // The first lines are those of Azure, where one line can take seconds: every third kill is there.
            let most = if dice.below(3) == 0 { 6 } else { self.lines };
            let (lines, more) = (1 + dice.below(most), Duration::from_millis(dice.below(40)));
            if killed(&place, &command, lines, more) {
                (up, rounds) = (!up, rounds + 1);
                seen.clear();
                continue;
            }
            kills -= 1;
            of_apply += u64::from(up);
            if up {
                // What was made once is never made again.
                for (address, id) in self.existing(&place, &cloud) {
                    let before = seen.entry(address.clone()).or_insert_with(|| id.clone());
                    assert!(*before == id, "seed {seed}: `{address}` was made twice: {before}, {id}");
                }
            }
        }
        let _ = self.run(&place, &APPLY).exits(0);
        let now = self.existing(&place, &cloud);
        if up {
            for (address, id) in &seen {
                assert!(now.get(address) == Some(id), "seed {seed}: `{address}` was made twice, or lost");
            }
        }
        let list = place.run(&LIST).exits(0).out;
        assert_eq!(list, wanted, "seed {seed}: another end than without kills");
        let recorded: BTreeSet<&str> = list.lines().collect();
        let orphans: Vec<&String> = now.keys().filter(|address| !recorded.contains(address.as_str())).collect();
        assert!(orphans.is_empty(), "seed {seed}: marked as ours and not recorded: {orphans:?}");
        assert!(now.len() >= self.least, "only {} things carry the mark", now.len());
        let _ = self.run(&place, &["plan", "--exit-code"]).exits(0).says("Nothing to do");
        let _ = self.run(&place, &["drift"]).exits(0);
        tell(&format!(
            "{}: {total} kills ({of_apply} of apply, {} of destroy), {rounds} commands ended in between, seed {seed}: \
             0 orphans, 0 made twice, 0 records lost, 0 manual steps",
            self.stack,
            total - of_apply
        ));
    }
}

#[expect(clippy::print_stderr, reason = "the figures are what a long run is for")]
fn tell(line: &str) {
    eprintln!("{line}");
}

/// Runs a command and kills it after so many lines of progress and so many more milliseconds. `true` when it ended
/// by itself first.
fn killed(place: &Place, command: &[&str], lines: u64, more: Duration) -> bool {
    let mut child = place
        .command(command)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built binary can be started");
    let progress = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let mut told = Vec::new();
    for line in progress.lines() {
        told.push(line.expect("a readable pipe"));
        if told.len() as u64 >= lines {
            // A moment between two lines. This is no waiting for something to happen.
            std::thread::sleep(more);
            child.kill().expect("a child of this process");
            break;
        }
    }
    let status = child.wait().expect("a child of this process");
    assert!(
        status.code().is_none_or(|code| code == 0),
        "`kfplan {}` ended with {status} by itself:\n{}",
        command.join(" "),
        told.join("\n")
    );
    status.success()
}

#[test]
fn an_apply_of_the_quickstart_that_is_killed_again_and_again_comes_to_the_same_end() {
    Trial { folder: "docs/examples/quickstart", stack: "quickstart", with: Vec::new(), lines: 60, least: 80 }
        .carry_out();
}

#[test]
fn an_apply_of_the_guide_that_is_killed_again_and_again_comes_to_the_same_end() {
    let Some(manifests) = shared("kubeflow/manifests-v1.2.0.tar.gz") else { return };
    let with = vec!["--repo".to_owned(), format!("manifests={}", manifests.display())];
    Trial { folder: "docs/examples/kubeflow-1.2", stack: "kubeflow-1-2", with, lines: 500, least: 560 }.carry_out();
}
