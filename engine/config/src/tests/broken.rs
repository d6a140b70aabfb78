//! Broken stack files, each with exactly what is said about it.
//!
//! Every file of `broken/` is one case. Its first line may be `# options: …`, see
//! [`super::options`]. The snapshot of the same name is what a terminal shows.

use std::path::Path;

use super::schemas::schemas;
use super::{options, shown};
use crate::load;

#[test]
fn every_broken_file_says_what_is_wrong_and_what_to_write() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/broken");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").filter_map(Result::ok).map(|file| file.path()).collect();
    files.sort();
    assert!(files.len() >= 80, "only {} broken files", files.len());
    let schemas = schemas();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name");
        let line = text.lines().next().and_then(|line| line.strip_prefix("# options:")).unwrap_or_default();
        let shown = match load(&text, "kfplan.toml", &options(line), &schemas) {
            Ok(_) => panic!("{name} is not broken"),
            Err(errors) => shown(&errors),
        };
        assert!(!shown.contains("hunter2"), "{name} shows a secret:\n{shown}");
        insta::with_settings!({ omit_expression => true, description => text.as_str(), prepend_module_to_snapshot => false, snapshot_path => "../snapshots/broken" }, {
            insta::assert_snapshot!(name, shown);
        });
    }
}
