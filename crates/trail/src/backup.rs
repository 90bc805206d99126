//! Copies of a trail, and the way back.
//!
//! A generation is a directory named by the time of the copy, with the files, the head and a manifest of SHA-256; it is a
//! trail's directory itself, which can be read and verified where it is. It gets its name when it is complete. Two are
//! kept, and the newest that verified, where neither of these does: what was tampered with must not push out what was not.

use crate::directory;
use crate::disk;
use crate::error::{Error, Result};
use crate::head;
use crate::link::{Hash, hex};
use crate::verify::{Expected, Findings, verify};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::cmp::Reverse;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// How many complete generations are kept.
pub const KEPT: usize = 2;

const MANIFEST: &str = "manifest.json";
/// How the name of a generation begins that is not complete.
const PARTIAL: &str = ".partial-";
/// Bytes that are copied at a time.
const CHUNK: usize = 1024 * 1024;
/// The largest manifest, in bytes: tens of thousands of files.
const LARGEST_MANIFEST: u64 = 16 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    v: u8,
    /// When it was made, UTC.
    time: Timestamp,
    /// Whether the chain held.
    sound: bool,
    records: u64,
    files: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
    sha256: String,
}

/// A complete copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its directory.
    pub path: PathBuf,
    /// When it was made.
    pub time: Timestamp,
    /// Whether its chain held then.
    pub sound: bool,
}

/// What a backup came to.
#[derive(Debug)]
pub struct Backup {
    /// The new generation.
    pub generation: Generation,
    /// What verification of the copy found, without keys.
    pub findings: Findings,
    /// Generations that were removed.
    pub removed: Vec<PathBuf>,
}

/// Copies a trail, also while it is written, into a new generation in `to`, and removes old ones.
///
/// # Errors
/// The disk refuses, or there is no trail; then nothing is removed.
pub fn backup(trail: &Path, to: &Path, now: Timestamp) -> Result<Backup> {
    // Before the files, which only grow: the copy reaches it.
    let head_now = match fs::read(head::path(trail)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::of("read", &head::path(trail))(error)),
    };
    let files = directory::files(trail)?;
    if files.is_empty() {
        return Err(Error::unsound(trail, "it has no audit trail"));
    }
    disk::create(to)?;
    remove_partial(to)?;
    let name = now.strftime("%Y-%m-%dT%H-%M-%S%.6fZ").to_string();
    let path = to.join(&name);
    let partial = to.join(format!("{PARTIAL}{name}"));
    disk::create(&partial)?;
    let mut entries = Vec::new();
    for (name, from) in files {
        let name = name.to_string();
        entries.push(copy(&from, &partial.join(&name), name, true)?);
    }
    if let Some(text) = head_now {
        let path = head::path(&partial);
        disk::replace(&path, &text)?;
        let bytes = u64::try_from(text.len()).unwrap_or_default();
        let sha256 = Hash::of(&text).to_string();
        entries.push(Entry { name: "head".to_owned(), bytes, sha256 });
    }
    let findings = verify(&partial, &Expected::default())?;
    let sound = findings.is_sound();
    let manifest = Manifest { v: 1, time: now, sound, records: findings.records, files: entries };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::unsound(&partial, error.to_string()))?;
    disk::replace(&partial.join(MANIFEST), &text)?;
    fs::rename(&partial, &path).map_err(Error::of("name", &path))?;
    disk::sync(to)?;
    let removed = prune(to, now)?;
    Ok(Backup { generation: Generation { path, time: now, sound }, findings, removed })
}

/// The complete generations in a directory, the newest first.
pub fn generations(directory: &Path) -> Result<Vec<Generation>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::of("read", directory))?,
    };
    let mut generations = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::of("read", directory))?;
        let is_partial = entry.file_name().to_string_lossy().starts_with(PARTIAL);
        if is_partial || !entry.path().join(MANIFEST).is_file() {
            continue;
        }
        let Manifest { time, sound, .. } = manifest_of(&entry.path())?;
        generations.push(Generation { path: entry.path(), time, sound });
    }
    generations.sort_by(|a, b| (b.time, &b.path).cmp(&(a.time, &a.path)));
    Ok(generations)
}

/// Brings a generation back into a directory that is not there or is empty, for a gateway to go on with.
///
/// # Errors
/// The directory is not empty; a file is not what the manifest says, or the chain does not hold; the disk refuses. Then the
/// directory stays as it was.
pub fn restore(generation: &Path, directory: &Path) -> Result<Findings> {
    let is_empty = match fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(Error::of("read", directory)(error)),
    };
    if !is_empty {
        return Err(Error::unsound(directory, "it is not empty"));
    }
    let manifest = manifest_of(generation)?;
    // Beside it, because only within a file system a directory gets another name in one step.
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let partial = directory.with_file_name(format!("{PARTIAL}{name}"));
    remove(&partial)?;
    disk::create(&partial)?;
    let restored = fill(generation, &manifest, &partial).and_then(|findings| {
        fs::rename(&partial, directory).map_err(Error::of("create", directory))?;
        let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
        disk::sync(parent.unwrap_or(Path::new(".")))?;
        Ok(findings)
    });
    if restored.is_err() {
        remove(&partial)?;
    }
    restored
}

fn fill(generation: &Path, manifest: &Manifest, to: &Path) -> Result<Findings> {
    for entry in &manifest.files {
        let is_plain = directory::FileName::of(&entry.name).is_some() || entry.name == "head";
        let from = generation.join(&entry.name);
        if !is_plain {
            return Err(Error::unsound(&from, "the manifest names what is no file of a trail"));
        }
        let copied = copy(&from, &to.join(&entry.name), entry.name.clone(), false)?;
        if copied.sha256 != entry.sha256 || copied.bytes != entry.bytes {
            return Err(Error::unsound(&from, "it is not what the manifest says"));
        }
    }
    disk::sync(to)?;
    let findings = verify(to, &Expected::default())?;
    match findings.faults.first() {
        None => Ok(findings),
        Some(fault) => {
            let (kind, place) = (fault.kind.name(), &fault.first);
            let why = format!(
                "its chain does not hold ({kind} at {} line {}): {}",
                place.file, place.line, fault.why
            );
            Err(Error::unsound(generation, why))
        }
    }
}

fn manifest_of(generation: &Path) -> Result<Manifest> {
    let path = generation.join(MANIFEST);
    let file = File::open(&path).map_err(Error::of("open", &path))?;
    let mut text = Vec::new();
    file.take(LARGEST_MANIFEST).read_to_end(&mut text).map_err(Error::of("read", &path))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Error::unsound(&path, format!("it is no manifest: {error}")))?;
    if manifest.v != 1 {
        return Err(Error::unsound(&path, "it is of another version than 1"));
    }
    Ok(manifest)
}

/// Copies a file durably; of one that grows, the whole lines that it has now.
fn copy(from: &Path, to: &Path, name: String, whole_lines: bool) -> Result<Entry> {
    let limit = if whole_lines { ended(from)? } else { u64::MAX };
    let copied = || -> io::Result<(u64, String)> {
        let mut source = File::open(from)?.take(limit);
        let mut file = disk::private().create_new(true).write(true).open(to)?;
        let mut hash = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        let mut bytes = 0;
        loop {
            let read = source.read(&mut chunk)?;
            let Some(piece) = chunk.get(..read).filter(|piece| !piece.is_empty()) else { break };
            hash.update(piece);
            file.write_all(piece)?;
            bytes += u64::try_from(read).unwrap_or_default();
        }
        file.sync_all()?;
        Ok((bytes, hex(&hash.finalize())))
    };
    let (bytes, sha256) = copied().map_err(Error::of("copy", from))?;
    Ok(Entry { name, bytes, sha256 })
}

/// How many bytes of a file are whole lines.
fn ended(path: &Path) -> Result<u64> {
    use std::io::{Seek as _, SeekFrom};
    let find = || -> io::Result<u64> {
        let mut file = File::open(path)?;
        let mut end = file.metadata()?.len();
        let mut chunk = Vec::new();
        while end > 0 {
            let begins = end.saturating_sub(64 * 1024);
            file.seek(SeekFrom::Start(begins))?;
            chunk.clear();
            (&file).take(end - begins).read_to_end(&mut chunk)?;
            if let Some(last) = memchr::memrchr(b'\n', &chunk) {
                return Ok(begins + u64::try_from(last).unwrap_or_default() + 1);
            }
            end = begins;
        }
        Ok(0)
    };
    find().map_err(Error::of("read", path))
}

/// Removes all generations but the newest, and the newest sound one.
///
/// A generation of a time to come, which a clock that was wrong made, is an old one: else it would stay the newest for
/// ever, and each new one go at once.
fn prune(directory: &Path, now: Timestamp) -> Result<Vec<PathBuf>> {
    let mut all = generations(directory)?;
    all.sort_by_key(|generation| (generation.time > now, Reverse(generation.time)));
    let (kept, old) = all.split_at_checked(KEPT).unwrap_or((&all, &[]));
    let has_sound = kept.iter().any(|generation| generation.sound);
    let spared = old.iter().find(|generation| generation.sound && !has_sound);
    let mut removed = Vec::new();
    for generation in old.iter().filter(|generation| spared != Some(*generation)) {
        // Without its manifest it is none, should this break off.
        let manifest = generation.path.join(MANIFEST);
        fs::remove_file(&manifest).map_err(Error::of("remove", &manifest))?;
        remove(&generation.path)?;
        removed.push(generation.path.clone());
    }
    Ok(removed)
}

/// Removes what backups left that broke off.
fn remove_partial(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory).map_err(Error::of("read", directory))? {
        let entry = entry.map_err(Error::of("read", directory))?;
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::of("remove", directory)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
