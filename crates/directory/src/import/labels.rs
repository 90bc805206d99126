//! Labels of assistants from a CSV file.

use super::Fault;
use super::columns::plain;
use super::lines::{Lines, broken, field, quoted};
use super::rows::MAX_ROWS;
use crate::labels::check;
use sekisho_core::label::Label;
use std::collections::BTreeMap;

/// The columns by their names, that of the documentation first.
const COLUMNS: [&[&str]; 5] = [
    &["assistant", "assistant_id", "id", "アシスタント", "アシスタントID"],
    &["visibility", "公開範囲"],
    &["users", "user", "ユーザー"],
    &["groups", "group", "グループ"],
    &["owner", "所有者"],
];

const HELP: &str = "name the columns assistant, visibility, users, groups and owner";

/// Reads all rows: assistants with their labels, in the order of the file.
///
/// # Errors
/// Everything that is wrong, in the order of the lines.
pub fn read(text: &str) -> Result<Vec<(String, Label)>, Vec<Fault>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| vec![broken(&error)])?.clone();
    let columns = columns(&headers)?;
    let mut lines = Lines::new(text);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let (mut labels, mut faults) = (Vec::new(), Vec::new());
    for (count, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) if record.iter().all(|field| field.trim().is_empty()) => continue,
            Ok(record) => record,
            Err(error) => {
                faults.push(broken(&error));
                continue;
            }
        };
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        if record.len() != headers.len() || count >= MAX_ROWS {
            let message = if count >= MAX_ROWS {
                format!("there are more than {MAX_ROWS} rows")
            } else {
                format!("the line has {} fields, the first {}", record.len(), headers.len())
            };
            faults.push(Fault { line, column: None, message, help: "a line for each assistant" });
            break;
        }
        let column = |index: usize| {
            columns.get(index).copied().flatten().map_or("", |place| field(&record, place))
        };
        let id = column(0);
        let label = label(column(1), [column(2), column(3), column(4)])
            .and_then(|label| check(id, &label).map(|()| label));
        match label {
            Err((message, help)) => faults.push(Fault { line, column: None, message, help }),
            Ok(label) => match seen.insert(id.to_owned(), line) {
                Some(first) => faults.push(Fault {
                    line,
                    column: None,
                    message: format!("{} stands in line {first} already", quoted(id)),
                    help: "keep one of the two lines",
                }),
                None => labels.push((id.to_owned(), label)),
            },
        }
        if faults.len() >= 1_000 {
            break;
        }
    }
    if faults.is_empty() { Ok(labels) } else { Err(faults) }
}

/// The place of each of [`COLUMNS`].
fn columns(headers: &csv::StringRecord) -> Result<Vec<Option<usize>>, Vec<Fault>> {
    let mut places = vec![None; COLUMNS.len()];
    for (place, header) in headers.iter().enumerate() {
        let known =
            COLUMNS.iter().position(|names| names.iter().any(|name| plain(name) == plain(header)));
        let fault =
            |message| vec![Fault { line: 1, column: Some(header.to_owned()), message, help: HELP }];
        match known.and_then(|known| places.get_mut(known)) {
            None => return Err(fault("no column has this name".to_owned())),
            Some(Some(_)) => return Err(fault("this column stands twice".to_owned())),
            Some(free) => *free = Some(place),
        }
    }
    match places.as_slice() {
        [Some(_), Some(_), ..] => Ok(places),
        _ => Err(vec![Fault {
            line: 1,
            column: None,
            message: "assistant or visibility is not there".to_owned(),
            help: HELP,
        }]),
    }
}

fn label(
    visibility: &str,
    [users, groups, owner]: [&str; 3],
) -> Result<Label, (String, &'static str)> {
    let list = |text: &str| -> Vec<String> {
        let items = text.split([';', '；']).map(str::trim).filter(|item| !item.is_empty());
        items.map(str::to_owned).collect()
    };
    let alone = |label, rest: [&str; 2]| {
        if rest.iter().all(|field| field.is_empty()) {
            Ok(label)
        } else {
            Err((
                format!("{} names more than it is for", quoted(visibility)),
                "organization names nobody, restricted users and groups, personal its owner",
            ))
        }
    };
    match visibility.to_lowercase().as_str() {
        "organization" | "全社" | "組織" => alone(Label::Organization {}, [users, groups])
            .and_then(|label| alone(label, [owner, ""])),
        "restricted" | "限定" => {
            alone(Label::Restricted { users: list(users), groups: list(groups) }, [owner, ""])
        }
        "personal" | "個人" => {
            alone(Label::Personal { owner: owner.to_owned() }, [users, groups])
        }
        _ => Err((
            format!("{} is no visibility", quoted(visibility)),
            "write organization (全社), restricted (限定) or personal (個人)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_labels() {
        let rows = read(
            "アシスタント,公開範囲,ユーザー,グループ,所有者\n\
             faq,全社,,,\nhr,restricted,u-1;u-2,人事部,\n\ndiary,personal,,,u-42\n",
        )
        .unwrap();
        let restricted = Label::Restricted {
            users: vec!["u-1".into(), "u-2".into()],
            groups: vec!["人事部".into()],
        };
        assert_eq!(rows[0], ("faq".into(), Label::Organization {}));
        assert_eq!(rows[1], ("hr".into(), restricted));
        assert_eq!(rows[2], ("diary".into(), Label::Personal { owner: "u-42".into() }));
    }

    #[test]
    fn every_fault_has_its_line() {
        let faults = read(
            "assistant,visibility,users,groups,owner\n\
             a/b,organization,,,\nb,secret,,,\nc,restricted,,,\nd,organization,u-1,,\ne,personal,,,\n\
             f,organization,,,\nf,organization,,,\n",
        )
        .unwrap_err();
        let lines: Vec<u64> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 8], "{faults:#?}");
        for headers in
            ["assistant", "visibility,users", "assistant,visibility,salary", "id,assistant"]
        {
            assert_eq!(read(headers).unwrap_err().len(), 1, "{headers}");
        }
    }
}
