//! Of whom a token is, as the commands that sign one ask for it.

/// Of whom a token is, by whom, and for whom.
#[derive(Debug, clap::Args)]
pub(super) struct Principal {
    /// Who issues it (iss), exactly as the policy writes it
    #[arg(long, value_name = "URL")]
    pub(super) issuer: String,
    /// Whose it is
    #[arg(long)]
    pub(super) tenant: String,
    /// The user (sub)
    #[arg(long)]
    pub(super) subject: String,
    /// A role; may be given more than once
    #[arg(long = "role", value_name = "ROLE")]
    pub(super) roles: Vec<String>,
    /// Who it is meant for (aud)
    #[arg(long, default_value = "sekisho")]
    pub(super) audience: String,
    /// How long it lives: 90s, 30m, 12h, 1h30m
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = crate::input::lifetime)]
    pub(super) expires_in: u64,
}
