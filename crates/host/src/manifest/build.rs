//! Running the manifest's build commands.

use std::process::Command;

use super::Manifest;
use crate::HostError;

/// What a POSIX shell exits with when it does not find a command.
const COMMAND_NOT_FOUND: i32 = 127;

impl Manifest {
    /// Runs every component's build command with a shell in its working directory; the commands write straight to
    /// this process's output. `toolchain` is rustup's name of a Rust toolchain, where it is not the one in use. Blocks
    /// until they end.
    pub fn build(&self, toolchain: Option<&str>) -> Result<(), HostError> {
        for (name, component) in &self.components {
            let Some(build) = &component.build else {
                continue;
            };
            for command in &build.commands {
                let status = Command::new("sh")
                    .arg("-c")
                    .arg(command)
                    .current_dir(&build.workdir)
                    .envs(toolchain.map(|name| ("RUSTUP_TOOLCHAIN", name)))
                    .status()
                    .map_err(|error| {
                        HostError::new(format!(
                            "cannot run the build of component `{name}` in {}: {error}",
                            build.workdir.display()
                        ))
                    })?;
                if status.code() == Some(COMMAND_NOT_FOUND) {
                    let tool = command.split_whitespace().next().unwrap_or(command);
                    return Err(HostError::new(format!(
                        "the build of component `{name}` needs `{tool}`, which is not installed"
                    ))
                    .help("Install it and put it on PATH"));
                }
                if !status.success() {
                    return Err(HostError::new(format!(
                        "the build of component `{name}` failed: `{command}` ended with {status}"
                    )));
                }
            }
        }
        Ok(())
    }
}
