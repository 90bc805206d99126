//! `sekisho schema`: what an editor must know of the policy's files.

use crate::exit::Exit;
use crate::report::Failure;
use sekisho_core::policy::schema;

const EXAMPLES: &str = "\
Examples:
  sekisho schema gateway > gateway.schema.json
  sekisho schema tenant > tenant.schema.json

Name it in a file's first line, and editors complete and check its keys:
  #:schema gateway.schema.json
  #:schema ../tenant.schema.json";

/// Print the JSON Schema of a policy file.
///
/// It says which keys there are and what they may hold. What must hold between them, sekisho check
/// says. The repository has both in docs/schema/.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Schema {
    /// Which file
    file: File,
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum File {
    /// gateway.toml
    Gateway,
    /// tenants/<id>.toml
    Tenant,
}

impl Schema {
    /// Prints the schema.
    pub fn run(self) -> Result<Exit, Failure> {
        let schema = match self.file {
            File::Gateway => schema::gateway(),
            File::Tenant => schema::tenant(),
        };
        super::print(&format!("{schema:#}\n"))?;
        Ok(Exit::Success)
    }
}
