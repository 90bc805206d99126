//! Each row as a user, with every fault of every line.

use super::Fault;
use super::columns::{Column, Columns};
use super::lines::{Lines, broken, field, quoted};
use crate::form::{is_email, is_line, is_subject};
use sekisho_core::directory::State;
use sekisho_core::token::claims::{MAX_NAMES, MAX_ROLES, is_name, is_role};
use std::collections::BTreeMap;

/// The most rows of one file.
pub const MAX_ROWS: usize = 100_000;

/// The most faults that are told.
const MAX_FAULTS: usize = 1_000;

/// A row. What stands in no column is not said, and stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line that it starts on.
    pub line: u64,
    /// The subject.
    pub subject: String,
    /// The address, empty for none.
    pub email: Option<String>,
    /// The name, empty for none.
    pub name: Option<String>,
    /// The roles.
    pub roles: Option<Vec<String>>,
    /// The groups.
    pub groups: Option<Vec<String>>,
    /// The state.
    pub state: Option<State>,
}

/// Reads all rows.
///
/// # Errors
/// Everything that is wrong, in the order of the lines, a thousand faults at most.
pub fn read(text: &str) -> Result<Vec<Row>, Vec<Fault>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return Err(vec![broken(&error)]),
    };
    let columns = Columns::read(headers.iter())?;
    let mut file = File { columns, fields: headers.len(), faults: Vec::new() };
    let mut lines = Lines::new(text);
    let mut rows: Vec<Row> = Vec::new();
    for record in reader.records() {
        match record {
            Err(error) => file.faults.push(broken(&error)),
            Ok(record) if record.iter().all(|field| field.trim().is_empty()) => {}
            Ok(record) => {
                let line = lines.of(record.position().map_or(0, csv::Position::byte));
                rows.extend(file.row(line, &record));
            }
        }
        if rows.len() > MAX_ROWS {
            file.fault(0, None, format!("there are more than {MAX_ROWS} rows"), "split the file");
            break;
        }
        if file.faults.len() >= MAX_FAULTS {
            break;
        }
    }
    file.twice(&rows);
    let mut faults = file.faults;
    faults.sort_by_key(|fault| fault.line);
    faults.truncate(MAX_FAULTS);
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

struct File {
    columns: Columns,
    fields: usize,
    faults: Vec<Fault>,
}

impl File {
    fn fault(&mut self, line: u64, column: Option<&str>, message: String, help: &'static str) {
        self.faults.push(Fault { line, column: column.map(str::to_owned), message, help });
    }

    fn row(&mut self, line: u64, record: &csv::StringRecord) -> Option<Row> {
        let before = self.faults.len();
        if record.len() != self.fields {
            let message =
                format!("the line has {} fields, the first {}", record.len(), self.fields);
            self.fault(line, None, message, "put a field that has commas in double quotes");
            return None;
        }
        let email = self.email(line, record);
        let row = Row {
            line,
            subject: self.subject(line, record, email.as_deref())?,
            name: self.name(line, record),
            roles: self.list(line, record, Column::Roles, MAX_ROLES, is_role, ROLES),
            groups: self.list(line, record, Column::Groups, MAX_NAMES, is_name, GROUPS),
            state: self.state(line, record),
            email,
        };
        (self.faults.len() == before).then_some(row)
    }

    /// A field without what stands around it, and the name of its column.
    fn field(&self, record: &csv::StringRecord, column: Column) -> Option<(String, String)> {
        let (place, header) = self.columns.get(column)?;
        Some((field(record, place).to_owned(), header.to_owned()))
    }

    fn subject(
        &mut self,
        line: u64,
        record: &csv::StringRecord,
        email: Option<&str>,
    ) -> Option<String> {
        let (subject, column) = match self.field(record, Column::Subject) {
            Some(field) => field,
            None => (email.unwrap_or_default().to_owned(), "email".to_owned()),
        };
        let fits = is_subject(&subject);
        if !fits {
            let message = if subject.is_empty() {
                "nobody is named".to_owned()
            } else {
                format!("{} is no subject of a token", quoted(&subject))
            };
            self.fault(
                line,
                Some(&column),
                message,
                "write the subject as tokens have it: 1 to 255 printable ASCII characters, no spaces",
            );
        }
        fits.then_some(subject)
    }

    fn email(&mut self, line: u64, record: &csv::StringRecord) -> Option<String> {
        let (email, column) = self.field(record, Column::Email)?;
        if !(email.is_empty() || is_email(&email)) {
            let message = format!("{} is no e-mail address", quoted(&email));
            self.fault(line, Some(&column), message, "write it as hanako@example.jp");
        }
        Some(email)
    }

    fn name(&mut self, line: u64, record: &csv::StringRecord) -> Option<String> {
        let (name, column) = self.field(record, Column::Name)?;
        if !is_line(&name) {
            let message = format!("{} is no name", quoted(&name));
            self.fault(line, Some(&column), message, "write at most 256 characters on one line");
        }
        Some(name)
    }

    fn list(
        &mut self,
        line: u64,
        record: &csv::StringRecord,
        column: Column,
        most: usize,
        fits: fn(&str) -> bool,
        help: &'static str,
    ) -> Option<Vec<String>> {
        let (field, header) = self.field(record, column)?;
        let mut items: Vec<String> = Vec::new();
        for item in field.split([';', '；']).map(str::trim).filter(|item| !item.is_empty()) {
            if !fits(item) {
                self.fault(line, Some(&header), format!("{} is none", quoted(item)), help);
            } else if !items.iter().any(|other| other == item) {
                items.push(item.to_owned());
            }
        }
        if items.len() > most {
            self.fault(line, Some(&header), format!("there are more than {most}"), help);
        }
        Some(items)
    }

    fn state(&mut self, line: u64, record: &csv::StringRecord) -> Option<State> {
        let (field, header) = self.field(record, Column::State)?;
        match field.to_lowercase().as_str() {
            "" => None,
            "active" | "有効" | "在籍" => Some(State::Active),
            "suspended" | "停止" | "一時停止" | "休職" => Some(State::Suspended),
            "left" | "退職" | "退会" | "削除" => Some(State::Left),
            _ => {
                self.fault(
                    line,
                    Some(&header),
                    format!("{} is no state", quoted(&field)),
                    "write active (有効), suspended (停止) or left (退職)",
                );
                None
            }
        }
    }

    /// One user has one row, and an address reaches one user.
    fn twice(&mut self, rows: &[Row]) {
        let mut subjects: BTreeMap<&str, u64> = BTreeMap::new();
        let mut addresses: BTreeMap<String, u64> = BTreeMap::new();
        for row in rows {
            if let Some(first) = subjects.insert(&row.subject, row.line) {
                let message = format!("{} stands in line {first} already", quoted(&row.subject));
                self.fault(row.line, None, message, "keep one of the two lines");
                continue;
            }
            let Some(email) = row.email.as_ref().filter(|email| !email.is_empty()) else {
                continue;
            };
            if let Some(first) = addresses.insert(email.to_lowercase(), row.line) {
                let message = format!("{} is another user's, in line {first}", quoted(email));
                self.fault(row.line, None, message, "give each user an address of his own");
            }
        }
    }
}

const ROLES: &str =
    "write roles as role1;role2, each of 1 to 64 letters, digits and - _ . : /, at most 64 of them";
const GROUPS: &str =
    "write groups as group1;group2, each of 1 to 256 bytes on one line, at most 256 of them";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_are_users() {
        let rows = read(
            "ユーザーID,メールアドレス,氏名,ロール,グループ,状態\r\n\
             u-1,hanako@acme.example,佐藤 花子,member;admin,営業部；東京,有効\r\n\
             \r\n\
             u-2,'+1@acme.example,\"Smith, \"\"Jo\"\"\",,,退職\r\n",
        )
        .unwrap();
        let names = |list: &Option<Vec<String>>| list.clone().unwrap().join("|");
        assert_eq!((rows.len(), rows[0].line, rows[1].line), (2, 2, 4));
        assert_eq!(names(&rows[0].roles), "member|admin");
        assert_eq!(names(&rows[0].groups), "営業部|東京");
        assert_eq!((rows[0].state, rows[1].state), (Some(State::Active), Some(State::Left)));
        assert_eq!(rows[1].name.as_deref(), Some("Smith, \"Jo\""));
        assert_eq!(rows[1].email.as_deref(), Some("+1@acme.example"), "unguarded");
        assert_eq!(rows[1].roles.as_deref(), Some(&[][..]));
        let rows = read("email\nu@acme.example\n").unwrap();
        assert_eq!((rows[0].subject.as_str(), &rows[0].roles), ("u@acme.example", &None));
    }

    #[test]
    fn every_fault_has_its_line() {
        let text = "user_id,email,roles,state\n\
            a b,x@y.example,member,active\n\
            u-2,nobody,member,active\n\
            u-3,,mem ber,active\n\
            u-4,,member,perhaps\n\
            u-5,,member\n\
            ,,member,\n\
            u-7,same@y.example,,\n\
            u-7,,,\n\
            u-8,Same@y.example,,\n\
            \u{1b}[2J,,,\n";
        let faults = read(text).unwrap_err();
        let got: Vec<(u64, &str)> =
            faults.iter().map(|fault| (fault.line, fault.message.as_str())).collect();
        assert_eq!(
            got,
            [
                (2, "\"a b\" is no subject of a token"),
                (3, "\"nobody\" is no e-mail address"),
                (4, "\"mem ber\" is none"),
                (5, "\"perhaps\" is no state"),
                (6, "the line has 3 fields, the first 4"),
                (7, "nobody is named"),
                (9, "\"u-7\" stands in line 8 already"),
                (10, "\"Same@y.example\" is another user's, in line 8"),
                (11, "\"\\u{1b}[2J\" is no subject of a token"),
            ]
        );
    }

    #[test]
    fn a_file_is_bounded() {
        let many = |rows: usize, row: &str| format!("user_id,roles\n{}", row.repeat(rows));
        assert_eq!(read(&many(5_000, "a b,\n")).unwrap_err().len(), MAX_FAULTS);
        let rows = (0..=MAX_ROWS).map(|n| n.to_string()).collect::<Vec<_>>().join(",\n") + ",\n";
        let faults = read(&format!("user_id,roles\n{rows}")).unwrap_err();
        assert_eq!(faults[0].message, "there are more than 100000 rows");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "(user_id|email|ロール|,|\"|\n|\r|;|.){0,40}") {
            let _ = read(&text);
        }
    }
}
