//! `sekisho users export`.

use crate::commands::of::Of;
use crate::exit::Exit;
use crate::report::Failure;
use crate::text::printable;
use encoding_rs::SHIFT_JIS;
use sekisho_directory::export;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// Write the users as a CSV file that `users import` reads, and a spreadsheet
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    #[command(flatten)]
    of: Of,
    /// Where to; if not given, the standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// As `Shift_JIS`, in place of UTF-8 with a byte order mark
    #[arg(long)]
    shift_jis: bool,
}

impl Export {
    pub(super) async fn run(self) -> Result<Exit, Failure> {
        let (_, store) = self.of.open().await?;
        let tenant = self.of.users(&store).await?;
        let text = export::csv(tenant.roster.iter()).map_err(|error| {
            Failure::invalid(printable(&error.to_string()))
                .help("rename the group, or take --json of sekisho users list")
        })?;
        let bytes = if self.shift_jis {
            shift_jis(&text)?
        } else {
            // By the mark a spreadsheet knows that it is UTF-8.
            format!("\u{feff}{text}").into_bytes()
        };
        let done = match &self.output {
            // Names and addresses of people are nobody else's.
            Some(path) => {
                let mut options = std::fs::OpenOptions::new();
                options.write(true).create(true).truncate(true).mode(0o600);
                options.open(path).and_then(|mut file| file.write_all(&bytes))
            }
            None => std::io::stdout().lock().write_all(&bytes),
        };
        let place =
            self.output.map_or("the standard output".into(), |path| path.display().to_string());
        done.map_err(|error| Failure::fault(format!("cannot write {place}: {error}")))?;
        Ok(Exit::Success)
    }
}

fn shift_jis(text: &str) -> Result<Vec<u8>, Failure> {
    let (bytes, _, lost) = SHIFT_JIS.encode(text);
    if lost {
        return Err(Failure::invalid("a name has characters that Shift_JIS does not know")
            .help("export as UTF-8, which a spreadsheet opens too"));
    }
    Ok(bytes.into_owned())
}
