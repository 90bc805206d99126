//! `sekisho networks`: what a tenant narrows of its networks.

use super::of::{Of, too_large};
use super::{block_on, print, print_json};
use crate::exit::Exit;
use crate::report::{Failure, say};
use crate::store::{self, Event, Store};
use crate::text::printable;
use clap::Subcommand;
use sekisho_core::network::Network;
use sekisho_core::network::managed::Blocks;
use sekisho_core::policy::Tenant;
use sekisho_directory::networks::{self, Current, Refused};
use serde_json::json;
use std::net::IpAddr;

const EXAMPLES: &str = "\
Examples:
  sekisho networks show --tenant acme
  sekisho networks set business --tenant acme --allow 203.0.113.0/24 --allow 2001:db8:42::/48
  sekisho networks set admin --tenant acme --allow 203.0.113.8/29 --from 203.0.113.9
  sekisho networks unset business --tenant acme       the policy's network alone holds again

The operator's policy says which networks the tenant may narrow (managed_networks), and how wide each may be: an
address must be in the policy's network and in this list.";

/// Networks that a tenant narrows itself, within what the operator allows.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Networks {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(Show),
    Set(Set),
    Unset(Unset),
}

/// Show what the operator allows and what the tenant has narrowed
#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    of: Of,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Let in no more than these blocks, in place of those from before
#[derive(Debug, clap::Args)]
struct Set {
    /// The network: business, admin, or another that the policy names
    #[arg(value_name = "NETWORK")]
    network: String,
    #[command(flatten)]
    of: Of,
    /// A CIDR block to let in; may be given more than once
    #[arg(long, value_name = "CIDR")]
    allow: Vec<String>,
    /// A CIDR block within those that is not let in; may be given more than once
    #[arg(long, value_name = "CIDR")]
    deny: Vec<String>,
    /// An address that must not be shut out, such as your own as the gateway sees it; may be given more than once
    #[arg(long, value_name = "ADDRESS")]
    from: Vec<IpAddr>,
    /// Do it although somebody shuts himself out, or everybody
    #[arg(long)]
    force: bool,
}

/// Take the tenant's own list away: the policy's network alone holds
#[derive(Debug, clap::Args)]
struct Unset {
    /// The network
    #[arg(value_name = "NETWORK")]
    network: String,
    #[command(flatten)]
    of: Of,
}

impl Networks {
    /// Runs the command.
    pub fn run(self) -> Result<Exit, Failure> {
        block_on(async {
            match self.command {
                Command::Show(show) => show.run().await,
                Command::Set(set) => set.run().await,
                Command::Unset(unset) => unset.run().await,
            }
        })
    }
}

async fn read(of: &Of, store: &Store) -> Result<Current, Failure> {
    let key = networks::key(&of.tenant);
    Current::read(store.get(&key).await?).map_err(|why| {
        Failure::invalid(format!("the state has a record that can't be read: {key} {why}"))
            .help("the gateway refuses whoever needs it; mend or remove it (docs/state.md)")
    })
}

fn refused(refused: Refused) -> Failure {
    let insist = if refused.may_insist { "; --force insists" } else { "" };
    Failure::invalid(refused.message).help(format!("nothing was changed; {}{insist}", refused.help))
}

impl Show {
    async fn run(self) -> Result<Exit, Failure> {
        let (policy, store) = self.of.open().await?;
        let tenant = store::tenant(&policy, &self.of.tenant)?;
        let current = read(&self.of, &store).await?;
        for name in tenant.managed_networks() {
            let own = current.lists.networks.get(name);
            if self.json {
                print_json(
                    &json!({"network": name, "allowed": allowed(tenant, name), "own": own}),
                )?;
                continue;
            }
            let own = own.map_or("nothing narrower".to_owned(), |list| {
                let deny = if list.deny.is_empty() { "" } else { ", but not " };
                format!("{}{deny}{}", list.allow.join(", "), list.deny.join(", "))
            });
            let allowed = allowed(tenant, name).join(", ");
            let shown =
                format!("{name}\n  the operator allows  {allowed}\n  the tenant lets in   {own}\n");
            print(&printable(&shown))?;
        }
        if tenant.managed_networks().is_empty() {
            say("the policy lets this tenant narrow no network (managed_networks)");
        }
        Ok(Exit::Success)
    }
}

fn allowed(tenant: &Tenant, name: &str) -> Vec<String> {
    match tenant.network(name) {
        None | Some(Network::Any) => vec!["any".to_owned()],
        Some(Network::List(set)) => {
            set.ranges().map(|(first, last)| format!("{first}-{last}")).collect()
        }
    }
}

impl Set {
    async fn run(self) -> Result<Exit, Failure> {
        let (policy, store) = self.of.open().await?;
        let tenant = store::tenant(&policy, &self.of.tenant)?;
        let current = read(&self.of, &store).await?;
        let list = Blocks { allow: self.allow, deny: self.deny };
        let lists = if self.force {
            current.insist(tenant, &self.network, Some(list))
        } else {
            current.set(tenant, &self.network, Some(list), &self.from)
        };
        let lists = lists.map_err(refused)?;
        let edit = current.edit(&self.of.tenant, &lists).map_err(|error| too_large(&error))?;
        let event = Event::new("network-narrowed", &self.network);
        store.make(&self.of.tenant, vec![edit], &[event]).await?;
        print(&format!("{} is narrowed\n", self.network))?;
        Ok(Exit::Success)
    }
}

impl Unset {
    async fn run(self) -> Result<Exit, Failure> {
        let (policy, store) = self.of.open().await?;
        let tenant = store::tenant(&policy, &self.of.tenant)?;
        let current = read(&self.of, &store).await?;
        let lists = current.set(tenant, &self.network, None, &[]).map_err(refused)?;
        let edit = current.edit(&self.of.tenant, &lists).map_err(|error| too_large(&error))?;
        let event = Event::new("network-widened", &self.network);
        store.make(&self.of.tenant, vec![edit], &[event]).await?;
        print(&format!("{} is what the policy says\n", self.network))?;
        Ok(Exit::Success)
    }
}
