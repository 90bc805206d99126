//! Users as a CSV file (RFC 4180) that [`import`](crate::import) reads, and a spreadsheet.

use crate::import::columns::Column;
use crate::import::is_guarded;
use crate::roster::Entry;
use std::fmt;

/// Why users can't be written.
#[derive(Debug)]
pub enum Unwritable {
    /// The name of this group has a semicolon, which stands between names: it would be read as two.
    Group(String),
    /// The writer says so.
    Csv(csv::Error),
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => write!(f, "the group {group:?} has a semicolon in its name"),
            Self::Csv(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unwritable {}

impl From<csv::Error> for Unwritable {
    fn from(error: csv::Error) -> Self {
        Self::Csv(error)
    }
}

/// The file's text, with `\r\n` at the end of each line.
///
/// # Errors
/// A group has a name that no list can have.
pub fn csv<'r>(
    users: impl IntoIterator<Item = (&'r str, &'r Entry)>,
) -> Result<String, Unwritable> {
    let mut csv =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    csv.write_record(
        Column::ALL.map(|column| column.names().first().copied().unwrap_or_default()),
    )?;
    for (subject, entry) in users {
        let user = &entry.user;
        if let Some(group) = user.groups.iter().find(|name| name.contains([';', '；'])) {
            return Err(Unwritable::Group(group.clone()));
        }
        let field = |text: &Option<String>| text.clone().unwrap_or_default();
        csv.write_record(
            [
                subject.to_owned(),
                field(&user.email),
                field(&user.name),
                user.roles.join(";"),
                user.groups.join(";"),
                user.state.name().to_owned(),
            ]
            .map(guarded),
        )?;
    }
    let bytes = csv.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn guarded(field: String) -> String {
    if is_guarded(&field) { format!("'{field}") } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::rows;
    use crate::roster::Roster;
    use sekisho_core::records::key;

    #[test]
    fn what_is_written_can_be_read() {
        let record = br#"{"v":1,"state":"left","roles":["a","b"],"email":"+1@x.example","name":"Smith, \"Jo\""}"#;
        let entries = vec![(key::user("acme", "=u"), record.to_vec())];
        // The subject of a digest's record must stand in it.
        assert!(Roster::read("acme", entries).is_err());
        let entries = vec![(key::user("acme", "-u"), record.to_vec())];
        let roster = Roster::read("acme", entries).unwrap();
        let text = csv(roster.iter()).unwrap();
        assert!(text.contains("'-u,'+1@x.example,"), "{text}");
        let rows = rows::read(&text).unwrap();
        assert_eq!(
            (rows[0].subject.as_str(), rows[0].email.as_deref()),
            ("-u", Some("+1@x.example"))
        );
        assert_eq!(rows[0].name.as_deref(), Some("Smith, \"Jo\""));
        let record = br#"{"v":1,"state":"active","groups":["x;admin"]}"#.to_vec();
        let roster = Roster::read("acme", vec![(key::user("acme", "u"), record)]).unwrap();
        assert!(matches!(csv(roster.iter()), Err(Unwritable::Group(group)) if group == "x;admin"));
    }
}
