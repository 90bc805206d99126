//! Users as a CSV file (RFC 4180) that [`import`](crate::import) reads, and a spreadsheet.

use crate::import::columns::Column;
use crate::roster::Entry;

/// The file's text, with `\r\n` at the end of each line.
///
/// # Errors
/// None that a record can cause.
pub fn csv<'r>(
    users: impl IntoIterator<Item = (&'r str, &'r Entry)>,
) -> Result<String, csv::Error> {
    let mut csv =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    csv.write_record(
        Column::ALL.map(|column| column.names().first().copied().unwrap_or_default()),
    )?;
    for (subject, entry) in users {
        let user = &entry.user;
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
    let bytes = csv.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A spreadsheet would compute what begins like a formula.
fn guarded(field: String) -> String {
    if field.starts_with(['=', '+', '-', '@']) { format!("'{field}") } else { field }
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
    }
}
