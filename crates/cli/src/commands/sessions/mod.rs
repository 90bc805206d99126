//! `sekisho sessions`: who is signed in with a session of the gateway's own.

use super::of::Of;
use super::{block_on, print, print_json};
use crate::exit::Exit;
use crate::report::Failure;
use crate::store::Event;
use crate::text::printable;
use clap::Subcommand;
use jiff::Timestamp;
use sekisho_directory::sessions::Session;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  sekisho sessions list --tenant acme --user u-42
  sekisho sessions end --tenant acme --user u-42      all of his
  sekisho sessions end --tenant acme 3fa85f64         one, by the first digits of its name

Where the policy has [sessions], each session of the gateway's own is a record; tokens of other issuers have none
(sekisho revoke takes those back).";

/// Sessions of the gateway's own: list and end them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Sessions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    End(End),
}

/// Show the sessions, a line each: its name, the user, when it began, when it was last seen, from where
#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    of: Of,
    /// Those of this user only
    #[arg(long)]
    user: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// End sessions: the next request of each is refused, and its open streams break off within two seconds
#[derive(Debug, clap::Args)]
struct End {
    /// Its name in the list, or the first characters of it
    #[arg(value_name = "SESSION", required_unless_present_any = ["user", "all"])]
    session: Option<String>,
    #[command(flatten)]
    of: Of,
    /// All sessions of this user
    #[arg(long, conflicts_with_all = ["session", "all"])]
    user: Option<String>,
    /// All sessions of the tenant
    #[arg(long, conflicts_with = "session")]
    all: bool,
}

impl Sessions {
    /// Runs the command.
    pub fn run(self) -> Result<Exit, Failure> {
        block_on(async {
            match self.command {
                Command::List(list) => list.run().await,
                Command::End(end) => end.run().await,
            }
        })
    }
}

impl List {
    async fn run(self) -> Result<Exit, Failure> {
        let (_, store) = self.of.open().await?;
        let sessions = self.of.sessions(&store).await?;
        let of_user = |session: &&Session| {
            self.user.as_ref().is_none_or(|user| session.record.subject == *user)
        };
        for session in sessions.iter().filter(of_user) {
            let Session { digest, record, seen } = session;
            let (created, seen) = (time(record.created), time(*seen));
            if self.json {
                print_json(&json!({
                    "session": digest, "user_id": record.subject, "created": created, "seen": seen,
                    "client": record.client, "agent": record.agent,
                }))?;
                continue;
            }
            let client = record.client.as_deref().unwrap_or("-");
            let agent = record.agent.as_deref().unwrap_or("-");
            let line =
                format!("{digest}\t{}\t{created}\t{seen}\t{client}\t{agent}\n", record.subject);
            print(&printable(&line))?;
        }
        Ok(Exit::Success)
    }
}

fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| "-".to_owned(), |time| time.to_string())
}

impl End {
    async fn run(self) -> Result<Exit, Failure> {
        let (_, store) = self.of.open().await?;
        let sessions = self.of.sessions(&store).await?;
        let meant: Vec<&Session> = match (&self.session, &self.user) {
            (Some(name), _) => vec![one(name, &sessions)?],
            (None, Some(user)) => sessions.of(user).collect(),
            (None, None) => sessions.iter().collect(),
        };
        let count = meant.len();
        let events: Vec<Event> =
            meant.iter().map(|session| Event::new("session-ended", &session.digest)).collect();
        store.make(&self.of.tenant, sessions.end(meant), &events).await?;
        print(&format!("{count} ended\n"))?;
        Ok(Exit::Success)
    }
}

fn one<'s>(
    name: &str,
    sessions: &'s sekisho_directory::sessions::Sessions,
) -> Result<&'s Session, Failure> {
    let digits = name.strip_prefix('~').unwrap_or(name);
    if digits.len() < 8 {
        return Err(Failure::invalid(format!("{name:?} is too short for the name of a session"))
            .help("write at least 8 digits of what sekisho sessions list shows"));
    }
    let is_meant = |session: &&Session| {
        session.digest.strip_prefix('~').is_some_and(|all| all.starts_with(digits))
    };
    let meant: Vec<&Session> = sessions.iter().filter(is_meant).collect();
    match meant.as_slice() {
        [session] => Ok(session),
        [] => Err(Failure::invalid(format!("there is no session {name:?}"))
            .help("sekisho sessions list shows them")),
        several => Err(Failure::invalid(format!("{} sessions begin with {name:?}", several.len()))
            .help("write more of its name")),
    }
}
