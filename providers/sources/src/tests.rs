//! What a hostile archive and an honest one come to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

use super::*;

fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        let name = header.as_gnu_mut().expect("a GNU header");
        name.name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *content).expect("memory takes it");
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&builder.into_inner().expect("memory takes it")).expect("memory takes it");
    gzip.finish().expect("memory takes it")
}

fn unpacked(entries: &[(&str, tar::EntryType, &[u8])]) -> String {
    match unpack(&archive(entries), Limits { bytes: 100, entries: 3 }) {
        Ok(files) => files.keys().cloned().collect::<Vec<_>>().join(" "),
        Err(error) => error.to_string(),
    }
}

use tar::EntryType::{Block, Regular, Symlink};

#[test]
fn the_top_folder_of_a_repository_is_left_out() {
    assert_eq!(unpacked(&[("top-1.0/a.yaml", Regular, b"x"), ("top-1.0/b/c.yaml", Regular, b"y")]), "a.yaml b/c.yaml");
}

#[test]
fn an_archive_cannot_escape_or_flood() {
    assert_eq!(
        unpacked(&[("../evil", Regular, b"x")]),
        "the archive has the entry `../evil`, which leads outside the archive"
    );
    assert_eq!(
        unpacked(&[("/etc/passwd", Regular, b"x")]),
        "the archive has the entry `/etc/passwd`, which has an absolute path"
    );
    assert_eq!(
        unpacked(&[("a/dev", Block, b"")]),
        "the archive has the entry `a/dev`, which is neither a file nor a folder"
    );
    assert_eq!(unpacked(&[("a/link", Symlink, b""), ("a/b", Regular, b"x")]), "b");
    assert_eq!(unpacked(&[("a", Regular, &[0; 101])]), "the archive has more than 100 bytes");
    assert_eq!(
        unpacked(&[("a", Regular, b""), ("b", Regular, b""), ("c", Regular, b""), ("d", Regular, b"")]),
        "the archive has more than 3 entries"
    );
    assert_eq!(
        unpack(b"not gzip", Limits::default()).expect_err("garbage").to_string(),
        "it is not a readable .tar.gz archive"
    );
}

#[test]
fn a_folder_does_not_give_what_lies_outside() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("root");
    std::fs::create_dir(&root).expect("a new folder");
    std::fs::write(folder.path().join("secret"), "x").expect("a new file");
    std::fs::write(root.join("a"), "x").expect("a new file");
    std::os::unix::fs::symlink("../secret", root.join("link")).expect("a new link");
    let tree = Tree::open(&root).expect("a folder");
    assert_eq!(tree.read("a").expect("inside").as_deref(), Some(b"x".as_slice()));
    assert!(matches!(tree.read("../secret"), Err(SourceError::Escapes { .. })));
    assert!(matches!(tree.read("link"), Err(SourceError::Escapes { .. })));
    assert!(tree.read("none").expect("absence is an answer").is_none());
}

#[test]
fn a_folder_and_an_archive_with_the_same_files_have_the_same_digest() {
    let tree = Tree::Memory(unpack(&archive(&[("t/a", Regular, b"x")]), Limits::default()).expect("an archive"));
    let of = |tree: &Tree| digest(&BTreeMap::from([("a", tree.read("a").expect("inside").expect("there"))]));
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("a"), "x").expect("a new file");
    assert_eq!(of(&tree), of(&Tree::open(folder.path()).expect("a folder")));
    assert_ne!(
        digest(&BTreeMap::from([("ab", Cow::Borrowed(b"c".as_slice()))])),
        digest(&BTreeMap::from([("a", Cow::Borrowed(b"bc".as_slice()))]))
    );
}

#[test]
fn a_lock_is_read_back_and_a_newer_one_refused() {
    let locked = Locked { source: "https://x/y.tar.gz".to_owned(), files: "sha256:0".to_owned(), archive: None };
    let lock = Lock {
        repos: [("manifests".to_owned(), locked.clone())].into(),
        remotes: [("https://github.com/a/b?ref=v1".to_owned(), locked)].into(),
    };
    assert_eq!(Lock::parse(&lock.to_text()).expect("its own text"), lock);
    let error = Lock::parse("version = 2").expect_err("a newer one");
    assert_eq!(error.to_string(), "`kfplan.lock` cannot be used: it has version 2, and this kfplan reads version 1");
}
