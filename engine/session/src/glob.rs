//! Globs of files below a folder: `*` and `?` within a part, `**` for any parts.

use std::path::{Path, PathBuf};

/// The files below `root` that `pattern` names, in the order of their paths. Neither leaves `root` nor follows links.
pub(crate) fn matches(root: &Path, pattern: &str) -> std::io::Result<Vec<PathBuf>> {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let mut found = Vec::new();
    if !pattern.starts_with('/') && !parts.contains(&"..") {
        descend(root, Path::new(""), &parts, &mut found)?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn descend(root: &Path, below: &Path, parts: &[&str], found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let Some((part, rest)) = parts.split_first() else { return Ok(()) };
    if *part == "**" {
        descend(root, below, rest, found)?;
    }
    let entries = match std::fs::read_dir(root.join(below)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = below.join(&name);
        let kind = entry.file_type()?;
        if *part == "**" {
            // Hidden folders hold no manifests, and `.kfplan` is our own.
            if kind.is_dir() && !name.starts_with('.') {
                descend(root, &path, parts, found)?;
            }
        } else if fits(part, &name) {
            if kind.is_file() && rest.is_empty() {
                found.push(path);
            } else if kind.is_dir() {
                descend(root, &path, rest, found)?;
            }
        }
    }
    Ok(())
}

/// Whether `name` fits a pattern of one part.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // `reached[i]`: the pattern read so far fits the first `i` characters.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for wanted in pattern {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match wanted {
                '*' => reached[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && reached[at - 1],
                plain => at > 0 && reached[at - 1] && name[at - 1] == plain,
            };
        }
        reached = next;
    }
    reached[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_finds_files_and_never_leaves_its_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in ["a.yaml", "b.yml", "k8s/c.yaml", "k8s/deep/d.yaml", ".kfplan/e.yaml"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
            std::fs::write(path, "").expect("a new file");
        }
        let found = |pattern: &str| {
            matches(folder.path(), pattern)
                .expect("a readable folder")
                .iter()
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(found("*.yaml"), "a.yaml");
        assert_eq!(found("k8s/*.yaml"), "k8s/c.yaml");
        assert_eq!(found("**/*.yaml"), "a.yaml k8s/c.yaml k8s/deep/d.yaml");
        assert_eq!(found("?.y*ml"), "a.yaml b.yml");
        assert_eq!(found("../*"), "");
        assert_eq!(found("/etc/*"), "");
    }
}
