//! Building the gateway's WebAssembly.

use crate::report::{Failure, say};
use sekisho_host::Manifest;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target that components are built for.
pub const TARGET: &str = "wasm32-wasip2";

/// The component of the manifest that is the gateway.
pub const GATEWAY: &str = "gateway";

/// The first Rust whose LLVM, 23, compiles wide arithmetic rightly (llvm/llvm-project#199910). The
/// build itself refuses older ones.
pub const FAST_RUST: &str = "1.99.0";

/// Builds the gateway of the manifest and says where it is, as [`build_all`] does, by this toolchain
/// if it is not the one in use.
pub fn build(manifest: &Manifest, toolchain: Option<&str>) -> Result<PathBuf, Failure> {
    manifest.build(toolchain)?;
    built(manifest)?;
    source(manifest).map(Path::to_owned)
}

/// Builds every component of a manifest, installing the target first if it is missing. Progress goes
/// straight to this process's output.
pub fn build_all(manifest: &Manifest) -> Result<(), Failure> {
    ensure_target(directory(manifest))?;
    manifest.build(None)?;
    built(manifest)
}

/// The manifest with the fast components, if the compiler in use can build them; else says why not.
pub fn fastest_to_build(manifest: Manifest) -> Result<Manifest, Failure> {
    if can_build_fast(directory(&manifest))? {
        return Ok(manifest.fast());
    }
    say(format_args!(
        "the fast component needs Rust {FAST_RUST} or newer; building the baseline one"
    ));
    Ok(manifest)
}

/// Whether the compiler of `directory` builds wide arithmetic rightly.
pub fn can_build_fast(directory: &Path) -> Result<bool, Failure> {
    let version = rustc(&["-vV"], directory)?;
    let llvm = version.lines().find_map(|line| line.strip_prefix("LLVM version: "));
    let major = llvm.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    Ok(major.is_some_and(|major| major >= 23))
}

/// Makes sure that every component of the manifest is there.
pub fn built(manifest: &Manifest) -> Result<(), Failure> {
    let missing = manifest
        .components()
        .filter_map(|component| manifest.source(component))
        .find(|source| !source.is_file());
    match missing {
        None => Ok(()),
        Some(source) => Err(Failure::invalid(format!("{} is not built", source.display()))
            .help("sekisho up --build builds it first")),
    }
}

/// The manifest with the fast components, where they are built and not older than the baseline ones,
/// which somebody may have built since; else says why not.
pub fn fastest(manifest: Manifest) -> Manifest {
    let fast = manifest.clone().fast();
    let built = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    let hindrance = manifest.components().find_map(|component| {
        let (baseline, fast) = (manifest.source(component)?, fast.source(component)?);
        let why = match (built(fast), built(baseline)) {
            (None, Some(_)) => "is not built",
            (Some(fast), Some(baseline)) if fast < baseline => "is older than the baseline one",
            // What is missing altogether is told by whoever needs it.
            _ => return None,
        };
        Some(format!("the fast component {} {why}", fast.display()))
    });
    match hindrance {
        None => fast,
        Some(why) => {
            say(format_args!("{why}; running the baseline one"));
            manifest
        }
    }
}

/// The gateway's file.
pub fn source(manifest: &Manifest) -> Result<&Path, Failure> {
    manifest.source(GATEWAY).ok_or_else(|| {
        Failure::invalid(format!("{} has no component {GATEWAY:?}", manifest.path().display()))
    })
}

/// The directory that the manifest is in.
pub fn directory(manifest: &Manifest) -> &Path {
    match manifest.path().parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes sure that the toolchain of `directory` has the target's standard library, by `rustup` if
/// need be.
pub fn ensure_target(directory: &Path) -> Result<(), Failure> {
    if has_target(directory)? {
        return Ok(());
    }
    say(format_args!("the Rust target {TARGET} is missing; running: rustup target add {TARGET}"));
    let status =
        Command::new("rustup").args(["target", "add", TARGET]).current_dir(directory).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(Failure::invalid(format!("rustup target add {TARGET} ended with {status}"))
                .help("rustup says why above; without a network the target can't be installed"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::invalid(format!(
            "the Rust target {TARGET} is not installed, and rustup is not there to install it"
        ))
        .help(format!("with Rust from https://rustup.rs, run: rustup target add {TARGET}"))),
        Err(error) => Err(Failure::fault(format!("cannot run rustup: {error}"))),
    }
}

fn has_target(directory: &Path) -> Result<bool, Failure> {
    let sysroot = rustc(&["--print", "sysroot"], directory)?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib");
    Ok(library.is_dir())
}

/// What the compiler of `directory` says to these arguments.
fn rustc(arguments: &[&str], directory: &Path) -> Result<String, Failure> {
    let output = Command::new("rustc").args(arguments).current_dir(directory).output();
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::invalid("rustc is not on PATH, and a build needs it")
            .help("install Rust from https://rustup.rs"),
        _ => Failure::fault(format!("cannot run rustc: {error}")),
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::invalid(format!("rustc can't run here: {}", said.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The nearest directory from `start` upwards that has a `spin.toml`.
pub fn find_root(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|directory| directory.join("spin.toml").is_file()).map(Path::to_owned)
}

/// The manifest that is meant when none is named: the nearest upwards from the current directory.
pub fn nearest_manifest() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().map_err(|error| {
        Failure::invalid(format!("the current directory can't be read: {error}"))
    })?;
    find_root(&here).map(|root| root.join("spin.toml")).ok_or_else(|| {
        Failure::invalid(format!("there is no spin.toml in {} or above it", here.display()))
            .help("run this inside Sekisho's repository, or name the manifest: sekisho up -f path/to/spin.toml")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_from_below() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(root.path().join("spin.toml"), "").unwrap();
        assert_eq!(find_root(&below).as_deref(), Some(root.path()));
        assert_eq!(find_root(Path::new("/nowhere/at/all")), None);
    }

    #[test]
    fn the_repositorys_manifest_has_a_gateway_that_mounts_the_policy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let manifest = Manifest::load(&root.join("spin.toml")).unwrap();
        assert!(
            source(&manifest).unwrap().ends_with("wasm32-wasip2/component/sekisho_gateway.wasm")
        );
        assert_eq!(manifest.mount("/policy").unwrap().file_name().unwrap(), "policy");
    }
}
