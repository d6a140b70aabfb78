//! The few things that are done to files, behind a trait, so that a test can make each of them fail.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It must be there, and is only read.
    Read,
    /// It must be there; writes go to its end.
    Append,
    /// It is made anew, or emptied; writes go to its end.
    New,
    /// As [`How::New`], and only its owner may read it.
    NewSecret,
}

/// A disk. What a [`Handle`] wrote is durable after its `sync`; what was created, renamed or removed
/// after the `sync_dir` of its folder.
pub trait Files: Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn Handle>>;

    /// Renames a file over another.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, sorted.
    ///
    /// # Errors
    ///
    /// What the system says; `NotFound` when there is no such folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Makes a folder and those it is in.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An open file.
pub trait Handle: Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn length(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    ///
    /// What the system says; `UnexpectedEof` when the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes at the end. On an error any part of it may have been written.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts it to `length`.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Makes what was written durable.
    ///
    /// # Errors
    ///
    /// What the system says; what was written may then be lost, whatever a later call says.
    fn sync(&mut self) -> io::Result<()>;
}

/// The bytes from `offset` on, `length` of them.
pub(crate) fn read_range(file: &dyn Handle, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    if offset.checked_add(length).is_none_or(|end| file.length().is_ok_and(|size| end > size)) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let length = usize::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let mut bytes = vec![0; length];
    file.read_at(offset, &mut bytes)?;
    Ok(bytes)
}

/// The whole file, as long as it is now.
pub(crate) fn read_all(file: &dyn Handle) -> io::Result<Vec<u8>> {
    read_range(file, 0, file.length()?)
}

/// Writes a whole file so that after a crash either the old or the new one is there.
pub(crate) fn replace(files: &dyn Files, path: &Path, bytes: &[u8], how: How) -> io::Result<()> {
    let fresh = path.with_extension(format!("{}new", extension(path)));
    let mut file = files.open(&fresh, how)?;
    file.append(bytes)?;
    file.sync()?;
    drop(file);
    files.rename(&fresh, path)?;
    path.parent().map_or(Ok(()), |folder| files.sync_folder(folder))
}

fn extension(path: &Path) -> String {
    path.extension().map(|extension| format!("{}.", extension.to_string_lossy())).unwrap_or_default()
}

/// The real disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn Handle>> {
        let mut options = OpenOptions::new();
        match how {
            How::Read => options.read(true),
            How::Append => options.read(true).append(true),
            How::New | How::NewSecret => {
                // A file that is made anew is not the one that a reader may have open.
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                options.read(true).append(true).create_new(true);
                if how == How::NewSecret { options.mode(0o600) } else { &mut options }
            }
        };
        Ok(Box::new(DiskFile(options.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

struct DiskFile(File);

impl Handle for DiskFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
