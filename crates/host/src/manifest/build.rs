//! Running the manifest's build commands.

use std::process::Command;

use super::Manifest;
use crate::HostError;

/// What a POSIX shell exits with when it does not find a command.
const COMMAND_NOT_FOUND: i32 = 127;

impl Manifest {
    /// Runs every component's build command with a shell in its working directory; the commands write straight to
    /// this process's output. Blocks until they end.
    pub fn build(&self) -> Result<(), HostError> {
        for (name, component) in &self.components {
            let Some(build) = &component.build else {
                continue;
            };
            for command in &build.commands {
                let status = Command::new("sh")
                    .arg("-c")
                    .arg(command)
                    .current_dir(&build.workdir)
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
