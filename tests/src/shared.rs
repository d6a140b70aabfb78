//! The repository, the binary under test, and the data that lies beside the repository.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The shared data: `KFPLAN_SHARED`, default `../shared` beside the repository. `None`, said loudly, when it
/// is not there; with `CI=true` that is a failure.
///
/// # Panics
///
/// With `CI=true` when the data is missing.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    let base = std::env::var_os("KFPLAN_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let found = base.join(path);
    if found.exists() {
        return Some(found);
    }
    loudly_skipped(&format!("`{}` is missing; set KFPLAN_SHARED to the folder with the shared data", found.display()));
    None
}

/// Says that a test is skipped, and why; with `CI=true` that is a failure.
pub(crate) fn loudly_skipped(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI=true lets no test skip: {why}");
    said_loudly(&format!("SKIPPED: {why}"));
}

#[expect(clippy::print_stderr, reason = "a skipped test, and why one failed, must be seen")]
pub(crate) fn said_loudly(line: &str) {
    eprintln!("{line}");
}

/// The binary under test, built by the same profile as this test.
///
/// # Panics
///
/// When it was not built: `tests/run` builds it first.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let binary = folder.join("kfplan");
    assert!(binary.exists(), "`{}` is missing: run `cargo build -p kfplan` first, as tests/run does", binary.display());
    binary
}

/// Asks again and again until the answer is yes; `false` when the time is over first.
pub(crate) fn within(limit: Duration, mut asked: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    while !asked() {
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Asks again and again until there is an answer.
///
/// # Panics
///
/// When there is none within a minute.
pub fn until<T>(what: &str, mut asked: impl FnMut() -> Option<T>) -> T {
    let mut answer = None;
    within(Duration::from_secs(60), || {
        answer = asked();
        answer.is_some()
    });
    answer.unwrap_or_else(|| panic!("{what} does not come about"))
}
