//! Loads decision cases: folders of data that say what is asked and what must be answered.
//!
//! | in `tests/cases/<name>/` | holds |
//! | --- | --- |
//! | `policy` | a policy directory, or a file with the path of a shared one, relative to the case's folder; a case beside a policy needs none |
//! | `request.json` | the request, as `sekisho explain` reads it |
//! | `expected.json` | the verdict, or the part of it that the case is about |
//! | `state.json` | optional: the records that the verdict needs |
//! | `README.md` | optional: why the case exists |
//!
//! Anything else in the folder is an error: a misspelt name must not turn a case into another.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

/// One case, read but not yet understood.
#[derive(Debug, Clone)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The policy directory.
    pub policy: PathBuf,
    /// `request.json`.
    pub request: Value,
    /// `expected.json`.
    pub expected: Value,
    /// `state.json`, where the case has one.
    pub state: Option<Value>,
}

/// Why the cases can't be run. Every one names the folder or file.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A root without a case proves nothing, so it is never a success.
    #[error("{0} holds no case; add a folder with `request.json` and `expected.json`")]
    Empty(PathBuf),
    /// The file system refused.
    #[error("cannot read {path}: {source}")]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// The file system's answer.
        source: io::Error,
    },
    /// The file isn't JSON.
    #[error("{path} is not JSON: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and what was expected there.
        source: serde_json::Error,
    },
    /// Something that is no part of a case.
    #[error("{0} is no part of a case; remove it or correct its name")]
    Unexpected(PathBuf),
    /// `policy` leads nowhere.
    #[error(
        "{file} names {target}, which is no directory; write the path relative to the case's folder"
    )]
    Policy {
        /// The case's `policy`.
        file: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
}

/// Loads every case below `root`, sorted by name. Entries that start with a dot are left alone.
pub fn load_all(root: &Path) -> Result<Vec<Case>, CaseError> {
    all(root, None)
}

/// The same for cases that lie beside a policy: one without a `policy` of its own is about that one.
pub fn load_beside(root: &Path, policy: &Path) -> Result<Vec<Case>, CaseError> {
    all(root, Some(policy))
}

fn all(root: &Path, beside: Option<&Path>) -> Result<Vec<Case>, CaseError> {
    let mut cases = Vec::new();
    for entry in entries(root)? {
        if entry.is_dir() {
            cases.push(one(&entry, beside)?);
        } else if entry.file_name() != Some(OsStr::new("README.md")) {
            return Err(CaseError::Unexpected(entry));
        }
    }
    if cases.is_empty() {
        return Err(CaseError::Empty(root.to_owned()));
    }
    Ok(cases)
}

/// Loads the case in one folder.
pub fn load(folder: &Path) -> Result<Case, CaseError> {
    one(folder, None)
}

fn one(folder: &Path, beside: Option<&Path>) -> Result<Case, CaseError> {
    const PARTS: [&str; 5] = ["policy", "request.json", "expected.json", "state.json", "README.md"];
    for entry in entries(folder)? {
        if !PARTS.iter().any(|part| entry.file_name() == Some(OsStr::new(part))) {
            return Err(CaseError::Unexpected(entry));
        }
    }
    let state = folder.join("state.json");
    Ok(Case {
        name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        policy: match beside {
            Some(policy) if !folder.join("policy").exists() => policy.to_owned(),
            _ => policy(folder)?,
        },
        request: json(folder.join("request.json"))?,
        expected: json(folder.join("expected.json"))?,
        state: if state.exists() { Some(json(state)?) } else { None },
    })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let failed = |source| CaseError::Read { path: folder.to_owned(), source };
    let listed = fs::read_dir(folder).map_err(failed)?;
    let paths: io::Result<Vec<PathBuf>> = listed.map(|entry| Ok(entry?.path())).collect();
    let hidden = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
    };
    let mut paths: Vec<PathBuf> =
        paths.map_err(failed)?.into_iter().filter(|path| !hidden(path)).collect();
    paths.sort();
    Ok(paths)
}

fn policy(folder: &Path) -> Result<PathBuf, CaseError> {
    let file = folder.join("policy");
    if file.is_dir() {
        return Ok(file);
    }
    let target = folder.join(read(&file)?.trim());
    // An empty file would name the case's own folder.
    if target == folder.join("") || !target.is_dir() {
        return Err(CaseError::Policy { file, target });
    }
    Ok(target)
}

fn json(path: PathBuf) -> Result<Value, CaseError> {
    let text = read(&path)?;
    serde_json::from_str(&text).map_err(|source| CaseError::Json { path, source })
}

fn read(path: &Path) -> Result<String, CaseError> {
    fs::read_to_string(path).map_err(|source| CaseError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Root(tempfile::TempDir);

    impl Root {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn with(self, files: &[(&str, &str)]) -> Self {
            for (path, text) in files {
                let path = self.0.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            self
        }

        fn case(self, name: &str) -> Self {
            let part = |file: &str| format!("cases/{name}/{file}");
            self.with(&[
                (&part("policy"), "../../policies/basic\n"),
                (&part("request.json"), r#"{"method":"GET"}"#),
                (&part("expected.json"), r#"{"decision":"permit"}"#),
                ("policies/basic/gateway.toml", ""),
            ])
        }

        fn load(&self) -> Result<Vec<Case>, CaseError> {
            load_all(&self.0.path().join("cases"))
        }
    }

    #[test]
    fn cases_come_sorted_with_shared_or_own_policy() {
        let root = Root::new().case("b").with(&[
            ("cases/a/policy/gateway.toml", ""),
            ("cases/a/request.json", "1"),
            ("cases/a/expected.json", "2"),
            ("cases/a/state.json", "3"),
            ("cases/README.md", "why"),
        ]);
        let cases = root.load().unwrap();
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(cases[0].state, Some(Value::from(3)));
        assert!(cases[0].policy.join("gateway.toml").is_file());
        assert!(cases[1].policy.join("gateway.toml").is_file());
        assert_eq!(cases[1].state, None);
        assert_eq!(cases[1].request["method"], "GET");
    }

    #[test]
    fn a_case_beside_a_policy_needs_to_name_none() {
        let root = Root::new()
            .case("a")
            .with(&[("cases/b/request.json", "1"), ("cases/b/expected.json", "2")]);
        let beside = root.0.path().join("policies");
        let cases = load_beside(&root.0.path().join("cases"), &beside).unwrap();
        assert!(cases[0].policy.join("gateway.toml").is_file());
        assert_eq!(cases[1].policy, beside);
        assert!(matches!(root.load(), Err(CaseError::Read { .. })));
    }

    #[test]
    fn an_error_names_the_place() {
        for (fault, named) in [
            (("cases/x/request.json", "{"), "x/request.json is not JSON"),
            (("cases/x/expected.jsn", "{}"), "x/expected.jsn is no part of a case"),
            (("cases/x/policy", "../nowhere"), "x/policy names"),
            (("cases/x/policy", " \n"), "x/policy names"),
            (("cases/stray.json", "{}"), "stray.json is no part of a case"),
            (("cases/y/policy", "../../policies/basic"), "y/request.json"),
        ] {
            let error = Root::new().case("x").with(&[fault]).load().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_root_without_cases_is_an_error() {
        let root = Root::new().with(&[("cases/README.md", "")]);
        assert!(matches!(root.load(), Err(CaseError::Empty(_))));
        assert!(matches!(load_all(Path::new("/nonexistent")), Err(CaseError::Read { .. })));
    }
}
