//! Unpacks `.tar.gz` archives into memory, within limits.

use std::collections::BTreeMap;
use std::io::Read as _;

use crate::error::SourceError;

/// What an archive may hold at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of all files together, unpacked.
    pub bytes: u64,
    /// Entries of any kind.
    pub entries: u64,
}

impl Default for Limits {
    /// 512 MiB in 200,000 entries: tenfold the largest Kubeflow release.
    fn default() -> Self {
        Self { bytes: 512 << 20, entries: 200_000 }
    }
}

/// Unpacks an archive: files by path, without the single top folder that
/// archives of repositories have.
///
/// # Errors
///
/// [`SourceError::Malformed`], [`SourceError::TooLarge`], and [`SourceError::Entry`] for a path that is
/// absolute or has `..`, and for device files. Links are left out: no Kubeflow release needs one, and a
/// file that is missing because of it is named by whoever reads it.
pub fn unpack(bytes: &[u8], limits: Limits) -> Result<BTreeMap<String, Vec<u8>>, SourceError> {
    let malformed = |reason| SourceError::Malformed { reason };
    // One byte more than the limit tells an archive at the limit from one beyond it.
    let plain = flate2::read::MultiGzDecoder::new(bytes)
        .take(limits.bytes.saturating_add(limits.entries.saturating_mul(1024)).saturating_add(1));
    let mut archive = tar::Archive::new(plain);
    let (mut files, mut count, mut size) = (BTreeMap::new(), 0_u64, 0_u64);
    for entry in archive.entries().map_err(malformed)? {
        let mut entry = entry.map_err(malformed)?;
        count += 1;
        if count > limits.entries {
            return Err(SourceError::TooLarge { limit: limits.entries, unit: "entries" });
        }
        let kind = entry.header().entry_type();
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if kind.is_dir() || kind.is_symlink() || kind.is_hard_link() || kind.is_pax_global_extensions() {
            continue;
        }
        if !kind.is_file() {
            return Err(SourceError::Entry { entry: path, reason: "is neither a file nor a folder" });
        }
        let path = checked(&path)?;
        size = size.saturating_add(entry.header().size().map_err(malformed)?);
        if size > limits.bytes {
            return Err(SourceError::TooLarge { limit: limits.bytes, unit: "bytes" });
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(malformed)?;
        files.insert(path, content);
    }
    Ok(without_top(files))
}

/// The content of a single file: unpacked if it is compressed.
///
/// # Errors
///
/// [`SourceError::Malformed`] and [`SourceError::TooLarge`].
pub fn plain(bytes: &[u8], limits: Limits) -> Result<Vec<u8>, SourceError> {
    let mut content = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(limits.bytes.saturating_add(1));
        reader.read_to_end(&mut content).map_err(|reason| SourceError::Malformed { reason })?;
    } else {
        content.extend_from_slice(bytes);
    }
    if content.len() as u64 > limits.bytes {
        return Err(SourceError::TooLarge { limit: limits.bytes, unit: "bytes" });
    }
    Ok(content)
}

fn checked(path: &str) -> Result<String, SourceError> {
    let wrong = |reason| SourceError::Entry { entry: path.to_owned(), reason };
    if path.starts_with('/') || path.contains('\\') || path.contains('\0') {
        return Err(wrong("has an absolute path"));
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(wrong("leads outside the archive"));
    }
    if parts.is_empty() {
        return Err(wrong("has no name"));
    }
    Ok(parts.join("/"))
}

fn without_top(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let top = files.keys().next().and_then(|first| first.split_once('/')).map(|(top, _)| format!("{top}/"));
    match top {
        Some(top) if files.keys().all(|path| path.starts_with(&top)) => files
            .into_iter()
            .map(|(path, content)| (path.strip_prefix(&top).unwrap_or(&path).to_owned(), content))
            .collect(),
        _ => files,
    }
}
