//! `sekisho token`: keys and tokens for tests, and a look into tokens.

mod inspect;
mod keygen;
mod mint;

use crate::exit::Exit;
use crate::report::Failure;
use clap::{Subcommand, ValueEnum};
use sekisho_testing::issuer;

const EXAMPLES: &str = "\
Examples:
  sekisho token keygen --kid test-1 --out test.pem --jwks policy/keys/test.jwks.json
  sekisho token mint --key test.pem --kid test-1 --issuer https://idp.example \\
      --tenant acme --subject u-42 --role member
  sekisho token inspect \"$TOKEN\" --policy policy --host acme.localhost";

/// Make keys and tokens for tests, and look into tokens.
///
/// In production your identity provider signs tokens, and its private key is nowhere near here.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Mint(mint::Mint),
    Keygen(keygen::Keygen),
    Inspect(inspect::Inspect),
}

impl Token {
    /// Runs the command.
    pub fn run(self) -> Result<Exit, Failure> {
        match self.command {
            Command::Mint(mint) => mint.run(),
            Command::Keygen(keygen) => keygen.run(),
            Command::Inspect(inspect) => inspect.run(),
        }
    }
}

/// What keys can be made and used here; the gateway verifies more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    /// ECDSA with P-256 and SHA-256
    #[value(name = "ES256")]
    Es256,
    /// ECDSA with P-384 and SHA-384
    #[value(name = "ES384")]
    Es384,
    /// Ed25519
    #[value(name = "EdDSA")]
    EdDsa,
    /// RSA with SHA-256, 2048 bits
    #[value(name = "RS256")]
    Rs256,
}

impl From<Algorithm> for issuer::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::ES256,
            Algorithm::Es384 => Self::ES384,
            Algorithm::EdDsa => Self::EdDSA,
            Algorithm::Rs256 => Self::RS256,
        }
    }
}
