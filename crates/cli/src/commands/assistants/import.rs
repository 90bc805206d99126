//! `sekisho assistants import`.

use super::{read, shown};
use crate::commands::of::{Of, too_large};
use crate::commands::print;
use crate::exit::Exit;
use crate::input::file_or_stdin;
use crate::report::{Failure, Paint, Style};
use crate::store::Event;
use crate::text::printable;
use sekisho_directory::import::{labels, text};
use std::path::PathBuf;

/// The largest file.
const MAX_FILE: usize = 64 * 1024 * 1024;

/// Label assistants as a CSV file says: all of them, or where a line is wrong none.
///
/// Its columns are assistant (アシスタント), visibility (公開範囲: organization, restricted, personal), users (ユーザー),
/// groups (グループ) and owner (所有者); several users or groups are written a;b.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The file, or - for the standard input
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    #[command(flatten)]
    of: Of,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Import {
    pub(super) async fn run(self, style: Style) -> Result<Exit, Failure> {
        let bytes = file_or_stdin(&self.file, MAX_FILE)?;
        let file = self.file.display();
        let wrong = |faults: Vec<sekisho_directory::import::Fault>| {
            Failure::many(faults.iter().map(|fault| {
                let column = fault.column.as_deref().map(|name| format!(", {name}"));
                let column = column.unwrap_or_default();
                let message = format!("{file}:{}{column}: {}", fault.line, fault.message);
                (printable(&message), fault.help.to_owned())
            }))
        };
        let (text, _) = text::decode(&bytes, None).map_err(|fault| wrong(vec![fault]))?;
        let rows = labels::read(&text).map_err(wrong)?;
        let (_, store) = self.of.open().await?;
        let current = read(&self.of, &store).await?;
        let (mut edits, mut events) = (Vec::new(), Vec::new());
        for (id, label) in &rows {
            let before = current.get(id).map(|entry| &entry.label);
            if before == Some(label) {
                continue;
            }
            edits.push(current.set(id, label).map_err(|error| too_large(&error))?);
            events.push(Event::new("assistant-labelled", id));
            let before = before.map_or("nobody".to_owned(), shown);
            let line = printable(&format!("~ {id}: {before} → {}", shown(label)));
            print(&(style.paint(Paint::Note, &line) + "\n"))?;
        }
        let changed = edits.len();
        let unchanged = rows.len().saturating_sub(changed);
        print(&format!("{changed} change, {unchanged} stay as they are\n"))?;
        if self.dry_run {
            print("nothing was changed: --dry-run\n")?;
            return Ok(Exit::Success);
        }
        store.make(&self.of.tenant, edits, &events).await?;
        Ok(Exit::Success)
    }
}
