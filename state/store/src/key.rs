//! The key file: 32 bytes that never leave the folder.

use std::io;
use std::path::Path;

use kfplan_plan::{Digest, StackKey};

use crate::error::StoreError;
use crate::files::{Files, How, read_all, replace};

const NAME: &str = "key";

/// The key, if its file is there.
pub(crate) fn read(files: &dyn Files, folder: &Path) -> Result<Option<StackKey>, StoreError> {
    let path = folder.join(NAME);
    let bytes = match files.open(&path, How::Read).and_then(|file| read_all(&*file)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read", &path)(error)),
    };
    match <[u8; 32]>::try_from(bytes.as_slice()) {
        Ok(key) => Ok(Some(StackKey::from_bytes(key))),
        Err(_) => Err(StoreError::Key { path, length: bytes.len() as u64 }),
    }
}

/// Writes the key, readable by its owner only.
pub(crate) fn write(files: &dyn Files, folder: &Path, key: &StackKey) -> Result<(), StoreError> {
    let path = folder.join(NAME);
    replace(files, &path, &key.to_bytes(), How::NewSecret).map_err(StoreError::io("write", &path))
}

/// What tells whether a key belongs to a state, without telling the key.
pub(crate) fn check(key: &StackKey, lineage: &str) -> Digest {
    key.digest("state", lineage.as_bytes())
}
