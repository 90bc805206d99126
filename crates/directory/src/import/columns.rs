//! Which column is which, by its name in Japanese or English. Case, spaces, hyphens and underscores mean nothing.

use super::Fault;

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The token's subject, with the issuer's prefix.
    Subject,
    /// Where mail reaches him.
    Email,
    /// His name.
    Name,
    /// His roles.
    Roles,
    /// His groups.
    Groups,
    /// `active`, `suspended` or `left`.
    State,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Subject, Self::Email, Self::Name, Self::Roles, Self::Groups, Self::State];

    /// The names by which it goes, the one of an export first.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Subject => &[
                "user_id",
                "subject",
                "sub",
                "id",
                "ユーザーID",
                "ユーザID",
                "利用者ID",
                "社員番号",
            ],
            Self::Email => {
                &["email", "mail", "email_address", "メールアドレス", "メール", "Eメール"]
            }
            Self::Name => {
                &["name", "display_name", "full_name", "氏名", "名前", "表示名", "ユーザー名"]
            }
            Self::Roles => &["roles", "role", "ロール", "役割", "権限"],
            Self::Groups => &["groups", "group", "department", "グループ", "部署", "所属"],
            Self::State => &["state", "status", "状態", "ステータス", "在籍状況"],
        }
    }

    fn of(header: &str) -> Option<Self> {
        let header = plain(header);
        Self::ALL.into_iter().find(|column| column.names().iter().any(|name| plain(name) == header))
    }
}

pub(super) fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, ' ' | '\u{3000}' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(narrow).collect()
}

/// Full-width letters as the ASCII that they stand for: `ＩＤ` is `ID`.
fn narrow(c: char) -> char {
    let code = u32::from(c);
    if (0xFF01..=0xFF5E).contains(&code) {
        // Of a full-width letter the small one, since it was made small already.
        char::from_u32(code - 0xFEE0).unwrap_or(c)
    } else {
        c
    }
}

/// Where each column is, by its place in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<(Column, usize, String)>);

impl Columns {
    /// Reads the first line.
    ///
    /// # Errors
    /// A name that is none, one that stands twice, and that nobody could be told apart.
    pub fn read<'h>(headers: impl Iterator<Item = &'h str>) -> Result<Self, Vec<Fault>> {
        let mut found: Vec<(Column, usize, String)> = Vec::new();
        let mut faults = Vec::new();
        let mut fault = |column: &str, message: String, help| {
            faults.push(Fault { line: 1, column: Some(column.to_owned()), message, help });
        };
        for (place, header) in headers.enumerate() {
            let header = header.trim();
            match Column::of(header) {
                None => fault(
                    header,
                    "no column has this name".to_owned(),
                    "name the columns user_id, email, name, roles, groups and state, or ユーザーID, \
                     メールアドレス, 氏名, ロール, グループ and 状態; take the others away",
                ),
                Some(column) => match found.iter().find(|(other, ..)| *other == column) {
                    Some((.., other)) => fault(
                        header,
                        format!("this column is the same as {other:?}"),
                        "keep one of them",
                    ),
                    None => found.push((column, place, header.to_owned())),
                },
            }
        }
        let has = |column| found.iter().any(|(other, ..)| *other == column);
        if faults.is_empty() && !has(Column::Subject) && !has(Column::Email) {
            faults.push(Fault {
                line: 1,
                column: None,
                message: "neither user_id nor email is there, so nobody can be told apart".to_owned(),
                help: "the first line names the columns; add user_id (ユーザーID), the subject of the \
                       user's tokens, or email (メールアドレス) where that is the subject",
            });
        }
        if faults.is_empty() { Ok(Self(found)) } else { Err(faults) }
    }

    /// Whether a column is there.
    pub fn has(&self, column: Column) -> bool {
        self.0.iter().any(|(other, ..)| *other == column)
    }

    /// Its place in a row and its name in the file.
    pub fn get(&self, column: Column) -> Option<(usize, &str)> {
        self.0
            .iter()
            .find(|(other, ..)| *other == column)
            .map(|(_, place, header)| (*place, header.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_and_of_one_column() {
        for column in Column::ALL {
            for name in column.names() {
                assert_eq!(Column::of(name), Some(column), "{name}");
            }
        }
        assert_eq!(Column::of(" User ID "), Some(Column::Subject));
        assert_eq!(Column::of("ユーザーＩＤ"), Some(Column::Subject));
        assert_eq!(Column::of("E-Mail"), Some(Column::Email));
        assert_eq!(Column::of("salary"), None);
    }

    #[test]
    fn headers() {
        let read = |text: &'static str| Columns::read(text.split(','));
        assert_eq!(read("user_id,roles").unwrap().get(Column::Roles), Some((1, "roles")));
        assert!(read("メールアドレス").is_ok());
        for (headers, wants) in [
            ("name,roles", "neither user_id nor email"),
            ("user_id,ユーザーID", "the same as \"user_id\""),
            ("user_id,salary", "no column has this name"),
            ("", "no column has this name"),
        ] {
            let faults = read(headers).unwrap_err();
            assert!(faults[0].message.contains(wants), "{headers}: {faults:?}");
        }
    }
}
