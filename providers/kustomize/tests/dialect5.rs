//! Compares renders in dialect 5 with what kustomize 5.5 makes of the same folders.
//!
//! The example of Kubeflow 26.03 is held to a render that is kept with the shared data,
//! objects and order. All folders with a kustomization in three releases of the manifests
//! are held to `kubectl kustomize`: both render the same objects, or both refuse.
//!
//! The data are not part of this repository; `KFPLAN_SHARED` names the folder they lie in.
//! Without them, or without `kubectl`, a test says that it is skipped, and fails where
//! `CI=true`. A plain run compares a sample of the folders, the same one each time;
//! `KFPLAN_ALL_FOLDERS=1` compares all of them, which takes some minutes. `KFPLAN_KUBECTL_RENDERS`
//! names a folder in which the answers of `kubectl` are kept from run to run.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what one runs it for")]

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use flate2::read::GzDecoder;
use kfplan_kustomize::{Dialect, Files, ReadError, Remote, Tree, render};
use kfplan_objects::yaml;
use serde_json::Value;

/// How many differences are printed before the test gives up.
const SHOWN: usize = 60;

/// Of the folders of a release, a plain run takes every so many.
const SAMPLE: usize = 12;

fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("KFPLAN_SHARED").map_or(beside, PathBuf::from);
    let data = shared.join("kubeflow");
    if data.join("golden/26.03-example.yaml.gz").is_file() {
        return Some(data);
    }
    skip(&format!("no manifests in `{}`; set KFPLAN_SHARED", data.display()));
    None
}

fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}, and CI=true");
}

fn gunzip(path: &Path) -> Vec<u8> {
    let mut content = Vec::new();
    let file = File::open(path).expect("the file opens");
    GzDecoder::new(file).read_to_end(&mut content).expect("it is compressed");
    content
}

/// Adds the files of an archive, without its top folder, below a folder.
fn unpack(archive: &Path, below: &str, tree: &mut Tree) {
    let file = File::open(archive).expect("the archive opens");
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    for entry in archive.entries().expect("it is an archive") {
        let mut entry = entry.expect("the entry can be read");
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().expect("the path is text").to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("the entry can be read");
        let (_, path) = path.split_once('/').expect("there is a top folder");
        tree.insert(&format!("{below}{path}"), content);
    }
}

/// A release with what its kustomizations name elsewhere.
struct Release {
    tree: Tree,
    remotes: BTreeMap<String, String>,
}

impl Files for Release {
    fn read(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, ReadError> {
        self.tree.read(path)
    }

    fn is_directory(&self, path: &str) -> bool {
        self.tree.is_directory(path)
    }

    fn remote(&self, remote: &Remote) -> Result<Option<String>, ReadError> {
        Ok(self.remotes.get(&remote.name()).cloned())
    }
}

const ARGO: &str = "https://github.com/argoproj/argo-workflows?ref=v3.7.3";
const JOBSET: &str = "https://github.com/kubernetes-sigs/jobset/releases/download/v0.10.1/manifests.yaml";

fn release(data: &Path, archive: &str) -> Release {
    let mut tree = Tree::new();
    unpack(&data.join(archive), "", &mut tree);
    let mut remotes = BTreeMap::new();
    if archive.contains("26.03") {
        unpack(&data.join("remote/argo-workflows-v3.7.3.tar.gz"), "@remote/argo/", &mut tree);
        tree.insert("@remote/jobset.yaml", gunzip(&data.join("remote/jobset-v0.10.1-manifests.yaml.gz")));
        remotes.insert(ARGO.to_owned(), "@remote/argo".to_owned());
        remotes.insert(JOBSET.to_owned(), "@remote/jobset.yaml".to_owned());
    }
    Release { tree, remotes }
}

fn identity(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    [text("/apiVersion"), text("/kind"), text("/metadata/namespace"), text("/metadata/name")].join(" ")
}

/// Where two values differ, a line for each place.
fn differences(path: &str, found: Option<&Value>, golden: Option<&Value>, lines: &mut Vec<String>) {
    match (found, golden) {
        (Some(Value::Object(found)), Some(Value::Object(golden))) => {
            let keys: BTreeSet<&String> = found.keys().chain(golden.keys()).collect();
            for key in keys {
                differences(&format!("{path}/{key}"), found.get(key), golden.get(key), lines);
            }
        }
        (Some(Value::Array(found)), Some(Value::Array(golden))) => {
            for place in 0..found.len().max(golden.len()) {
                differences(&format!("{path}/{place}"), found.get(place), golden.get(place), lines);
            }
        }
        (found, golden) if found == golden => {}
        (Some(Value::String(found)), Some(Value::String(golden))) => {
            let same = found.bytes().zip(golden.bytes()).take_while(|(one, other)| one == other).count();
            let around = |text: &str| -> String { text.chars().skip(same.saturating_sub(40)).take(120).collect() };
            lines.push(format!(
                "    {path} at {same}\n      found  {:?}\n      golden {:?}",
                around(found),
                around(golden)
            ));
        }
        (found, golden) => {
            let show = |value: Option<&Value>| {
                value.map_or("nothing".to_owned(), |value| value.to_string().chars().take(300).collect())
            };
            lines.push(format!("    {path}\n      found  {}\n      golden {}", show(found), show(golden)));
        }
    }
}

/// The differences of two renders, order included.
fn compare(found: &[Value], golden: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    let names = |objects: &[Value]| objects.iter().map(identity).collect::<Vec<_>>();
    let (own, theirs) = (names(found), names(golden));
    if own != theirs {
        let place = own.iter().zip(&theirs).position(|(own, theirs)| own != theirs);
        let at = place.unwrap_or(own.len().min(theirs.len()));
        lines.push(format!(
            "    {} objects instead of {}; object {at} is `{}` instead of `{}`",
            own.len(),
            theirs.len(),
            own.get(at).map_or("nothing", String::as_str),
            theirs.get(at).map_or("nothing", String::as_str)
        ));
    }
    let index: BTreeMap<&String, &Value> = own.iter().zip(found).collect();
    for (name, golden) in theirs.iter().zip(golden) {
        match index.get(name) {
            None => lines.push(format!("    {name}: missing")),
            Some(found) if *found == golden => {}
            Some(found) => differences(&format!("{name}: "), Some(found), Some(golden), &mut lines),
        }
    }
    lines
}

#[test]
fn the_example_of_26_03_is_rendered_as_kustomize_did() {
    let Some(data) = shared() else { return };
    let release = release(&data, "manifests-26.03.tar.gz");
    let text = String::from_utf8(gunzip(&data.join("golden/26.03-example.yaml.gz"))).expect("it is text");
    let golden = yaml::parse_documents(&text, yaml::Dialect::Kustomize5).expect("it is YAML");
    let start = Instant::now();
    let rendered = render(&release, "example", Dialect::V5);
    let elapsed = start.elapsed();
    let rendered = rendered.unwrap_or_else(|errors| panic!("{errors}"));
    println!("{} objects in {elapsed:?}", rendered.objects.len());
    assert_eq!(golden.len(), 675, "the golden render is not the one this test was written for");
    assert_eq!(rendered.remotes.len(), 2, "{:?}", rendered.remotes.keys());
    let lines = compare(&rendered.objects, &golden);
    assert!(lines.is_empty(), "{}", lines.into_iter().take(SHOWN).collect::<Vec<_>>().join("\n"));
}

/// The folders that hold a kustomization.
fn folders(tree: &Tree) -> Vec<String> {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let found: BTreeSet<String> = tree
        .iter()
        .filter(|(path, _)| !path.starts_with('@'))
        .filter_map(|(path, _)| match path.rsplit_once('/') {
            Some((folder, name)) if names.contains(&name) => Some(folder.to_owned()),
            _ => None,
        })
        .collect();
    found.into_iter().collect()
}

/// Writes a release for `kubectl`, which cannot be told where something else is: the
/// addresses in its kustomizations become paths.
fn write_out(release: &Release, root: &Path) {
    for (path, content) in release.tree.iter() {
        let target = root.join(path);
        std::fs::create_dir_all(target.parent().expect("it has a folder")).expect("the folder can be made");
        let name = path.rsplit('/').next().unwrap_or(path);
        if !name.to_lowercase().starts_with("kustomization") {
            std::fs::write(&target, content).expect("the file can be written");
            continue;
        }
        let up = "../".repeat(path.matches('/').count());
        let mut text = String::from_utf8_lossy(content).into_owned();
        text = text.replace(JOBSET, &format!("{up}@remote/jobset.yaml"));
        let lines = text.lines().map(|line| match line.split_once("https://github.com/argoproj/argo-workflows/") {
            Some((start, rest)) => format!("{start}{up}@remote/argo/{}", rest.replace("?ref=v3.7.3", "")),
            None => line.to_owned(),
        });
        let text: String = lines.map(|line| line + "\n").collect();
        std::fs::write(&target, text).expect("the file can be written");
    }
}

/// What `kubectl` makes of a folder.
fn kubectl(root: &Path, folder: &str, cache: Option<&Path>) -> Result<String, String> {
    let kept = cache.map(|cache| cache.join(folder.replace('/', "%")));
    if let Some(kept) = &kept {
        if let Ok(text) = std::fs::read_to_string(kept.with_extension("out")) {
            return Ok(text);
        }
        if let Ok(text) = std::fs::read_to_string(kept.with_extension("err")) {
            return Err(text);
        }
    }
    let output = Command::new("kubectl")
        .args(["kustomize", "--load-restrictor", "LoadRestrictionsNone"])
        .arg(root.join(folder))
        .output()
        .expect("kubectl runs");
    let answer = if output.status.success() {
        Ok(String::from_utf8(output.stdout).expect("it is text"))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    if let Some(kept) = kept {
        let (ending, text) = match &answer {
            Ok(text) => ("out", text),
            Err(text) => ("err", text),
        };
        std::fs::write(kept.with_extension(ending), text).expect("the answer can be kept");
    }
    answer
}

#[derive(Default)]
struct Tally {
    equal: usize,
    refused: usize,
    unreachable: usize,
    crashed: usize,
    objects: usize,
    lines: Vec<String>,
}

fn compare_folder(release: &Release, root: &Path, folder: &str, cache: Option<&Path>, tally: &Mutex<Tally>) {
    let own = render(release, folder, Dialect::V5).map_err(|errors| errors.to_string());
    if own.as_ref().is_err_and(|errors| errors.contains("names the remote base")) {
        // Not among the shared data, so `kubectl` cannot have it either.
        tally.lock().expect("no test panics with it").unreachable += 1;
        return;
    }
    let theirs = kubectl(root, folder, cache);
    if own.is_ok() && theirs.as_ref().is_err_and(|text| text.contains("panic: runtime error")) {
        // A patch after one that deletes an object: kustomize 5.6 mended it.
        tally.lock().expect("no test panics with it").crashed += 1;
        return;
    }
    let mut lines = Vec::new();
    let mut objects = 0;
    match (&own, &theirs) {
        (Err(_), Err(_)) => {}
        (Err(own), Ok(_)) => {
            lines.push(format!("    refused, and kubectl does not: {}", own.chars().take(600).collect::<String>()))
        }
        (Ok(_), Err(theirs)) => lines.push(format!(
            "    rendered, and kubectl does not: {}",
            theirs.lines().filter(|line| !line.starts_with("# Warning")).take(5).collect::<Vec<_>>().join("\n")
        )),
        (Ok(own), Ok(theirs)) => {
            let golden = yaml::parse_documents(theirs, yaml::Dialect::Kustomize5).expect("kubectl writes YAML");
            objects = golden.len();
            lines = compare(&own.objects, &golden);
        }
    }
    let mut tally = tally.lock().expect("no test panics with it");
    match (lines.is_empty(), own.is_ok()) {
        (true, true) => {
            tally.equal += 1;
            tally.objects += objects;
        }
        (true, false) => tally.refused += 1,
        (false, _) => {
            tally.lines.push(format!("  {folder}"));
            tally.lines.extend(lines.into_iter().take(8));
        }
    }
}

fn compare_release(archive: &str) {
    let Some(data) = shared() else { return };
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        return skip("there is no `kubectl` to compare with");
    }
    let release = release(&data, archive);
    let root = std::env::temp_dir().join(format!("kfplan-dialect5-{}-{archive}", std::process::id()));
    write_out(&release, &root);
    let cache = std::env::var_os("KFPLAN_KUBECTL_RENDERS").map(|cache| PathBuf::from(cache).join(archive));
    if let Some(cache) = &cache {
        std::fs::create_dir_all(cache).expect("the folder can be made");
    }
    let every = if std::env::var_os("KFPLAN_ALL_FOLDERS").is_some() { 1 } else { SAMPLE };
    let all: Vec<String> = folders(&release.tree).into_iter().step_by(every).collect();
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(folder) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    compare_folder(&release, &root, folder, cache.as_deref(), &tally);
                }
            });
        }
    });
    std::fs::remove_dir_all(&root).expect("the folder can be removed");
    let tally = tally.into_inner().expect("no test panics with it");
    println!(
        "{archive}: of {} folders {} are equal ({} objects), {} are refused by both, {} name what cannot be had here, kubectl crashes on {}",
        all.len(),
        tally.equal,
        tally.objects,
        tally.refused,
        tally.unreachable,
        tally.crashed
    );
    assert!(tally.lines.is_empty(), "{}", tally.lines.into_iter().take(SHOWN * 3).collect::<Vec<_>>().join("\n"));
}

#[test]
fn folders_of_26_03_are_rendered_as_kubectl_does() {
    compare_release("manifests-26.03.tar.gz");
}

#[test]
fn folders_of_1_2_are_rendered_as_kubectl_does() {
    compare_release("manifests-v1.2.0.tar.gz");
}

#[test]
fn folders_of_the_azure_kfdefs_are_rendered_as_kubectl_does() {
    compare_release("manifests-ebeb4c2.tar.gz");
}
