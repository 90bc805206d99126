//! `sekisho assistants`: who may see which assistant.

mod import;

use super::of::{Of, too_large, unreadable};
use super::{block_on, print, print_json};
use crate::exit::Exit;
use crate::report::{Failure, Style};
use crate::store::{Event, Store};
use crate::text::printable;
use clap::Subcommand;
use sekisho_core::label::Label;
use sekisho_directory::labels::{self, Labels};
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  sekisho assistants set faq --tenant acme --organization
  sekisho assistants set hr --tenant acme --group personnel --user u-7
  sekisho assistants set diary --tenant acme --owner u-42
  sekisho assistants import assistants.csv --tenant acme
  sekisho assistants list --tenant acme

An assistant without a label is seen by nobody.";

/// The labels of a tenant's assistants: who may see which.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Assistants {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Set(Set),
    Remove(Remove),
    List(List),
    Import(import::Import),
}

/// Label an assistant
#[derive(Debug, clap::Args)]
struct Set {
    /// The assistant, as it stands in a path
    #[arg(value_name = "ASSISTANT")]
    id: String,
    #[command(flatten)]
    of: Of,
    /// Everyone of the tenant sees it
    #[arg(long, group = "who", required_unless_present_any = ["users", "groups", "owner"])]
    organization: bool,
    /// A user who sees it; may be given more than once
    #[arg(long = "user", value_name = "USER", conflicts_with_all = ["organization", "owner"])]
    users: Vec<String>,
    /// A group whose members see it; may be given more than once
    #[arg(long = "group", value_name = "GROUP", conflicts_with_all = ["organization", "owner"])]
    groups: Vec<String>,
    /// The user who alone sees it
    #[arg(long, value_name = "USER", group = "who")]
    owner: Option<String>,
}

/// Take an assistant's label away: nobody sees it then
#[derive(Debug, clap::Args)]
struct Remove {
    /// The assistant
    #[arg(value_name = "ASSISTANT")]
    id: String,
    #[command(flatten)]
    of: Of,
}

/// Show the labels, a line each
#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    of: Of,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Assistants {
    /// Runs the command.
    pub fn run(self, style: Style) -> Result<Exit, Failure> {
        block_on(async {
            match self.command {
                Command::Set(set) => set.run().await,
                Command::Remove(remove) => remove.run().await,
                Command::List(list) => list.run().await,
                Command::Import(import) => import.run(style).await,
            }
        })
    }
}

async fn read(of: &Of, store: &Store) -> Result<Labels, Failure> {
    let entries = store.entries(&labels::prefix(&of.tenant)).await?;
    Labels::read(&of.tenant, entries).map_err(|all| unreadable(&all))
}

impl Set {
    async fn run(self) -> Result<Exit, Failure> {
        let label = match self.owner {
            _ if self.organization => Label::Organization {},
            Some(owner) => Label::Personal { owner },
            None => Label::Restricted { users: self.users, groups: self.groups },
        };
        labels::check(&self.id, &label)
            .map_err(|(message, help)| Failure::invalid(message).help(help))?;
        let (_, store) = self.of.open().await?;
        let labels = read(&self.of, &store).await?;
        let edit = labels.set(&self.id, &label).map_err(|error| too_large(&error))?;
        let event = Event::new("assistant-labelled", &self.id);
        store.make(&self.of.tenant, vec![edit], &[event]).await?;
        print(&printable(&format!("{}: {}\n", self.id, shown(&label))))?;
        Ok(Exit::Success)
    }
}

impl Remove {
    async fn run(self) -> Result<Exit, Failure> {
        let (_, store) = self.of.open().await?;
        let labels = read(&self.of, &store).await?;
        if labels.get(&self.id).is_none() {
            return Err(Failure::invalid(format!("{:?} has no label", self.id))
                .help("sekisho assistants list shows those that have one"));
        }
        let event = Event::new("assistant-unlabelled", &self.id);
        store.make(&self.of.tenant, vec![labels.remove(&self.id)], &[event]).await?;
        print(&printable(&format!("{}: nobody sees it now\n", self.id)))?;
        Ok(Exit::Success)
    }
}

impl List {
    async fn run(self) -> Result<Exit, Failure> {
        let (_, store) = self.of.open().await?;
        let labels = read(&self.of, &store).await?;
        for (id, entry) in labels.iter() {
            if self.json {
                print_json(&json!({"assistant": id, "label": entry.label}))?;
            } else {
                print(&printable(&format!("{id}\t{}\n", shown(&entry.label))))?;
            }
        }
        Ok(Exit::Success)
    }
}

fn shown(label: &Label) -> String {
    match label {
        Label::Organization {} => "organization".to_owned(),
        Label::Personal { owner } => format!("personal, {owner}'s"),
        Label::Restricted { users, groups } => {
            let users = users.iter().map(|user| format!("user {user}"));
            let groups = groups.iter().map(|group| format!("group {group}"));
            format!("restricted to {}", users.chain(groups).collect::<Vec<_>>().join(", "))
        }
    }
}
