//! What the demo prints and writes: commands to paste, variables for scripts.

use super::tokens::Tokens;
use crate::report::Failure;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Everything that a client of the demo needs to know.
#[derive(Debug)]
pub(super) struct Script {
    /// The port of the gateway.
    pub(super) port: u16,
    /// The certificate to trust.
    pub(super) ca: PathBuf,
    pub(super) tokens: Tokens,
    /// The assistant service without the gateway.
    pub(super) origin: String,
    /// The policy in force; an edit comes into force by SIGHUP.
    pub(super) policy: PathBuf,
    /// The file of the audit records, if it is one.
    pub(super) audit: Option<PathBuf>,
}

impl Script {
    fn url(&self, tenant: &str) -> String {
        format!("https://{tenant}.localhost:{}", self.port)
    }

    /// The commands. All of it is a shell script that works as a whole too. A comment has no
    /// character that means something to a shell, because some take pasted comments for commands.
    pub(super) fn commands(&self) -> String {
        let variables = assignments(
            "",
            &[
                ("CA", self.ca.display().to_string()),
                ("ACME", self.url("acme")),
                ("GLOBEX", self.url("globex")),
                ("ACME_TOKEN", self.tokens.acme.clone()),
                ("GLOBEX_TOKEN", self.tokens.globex.clone()),
                ("ADMIN_TOKEN", self.tokens.admin.clone()),
                ("BAD_TOKEN", self.tokens.tampered.clone()),
            ],
        );
        let audit = match &self.audit {
            Some(path) => format!(
                "\n# 7. What the auditor sees: one record a request\ntail -n 6 {}\n",
                quote(&path.display().to_string())
            ),
            None => String::new(),
        };
        let policy = quote(&self.policy.display().to_string());
        let pid = std::process::id();
        format!(
            r#"# Sekisho runs. Paste this into another terminal

{variables}
# 1. Permitted: the answer streams, event by event
curl -N --cacert "$CA" -H "Authorization: Bearer $ACME_TOKEN" -H 'Accept: text/event-stream' -d '{{"message":"hello"}}' "$ACME/api/assistants/a1/chat"

# 2. Refused by network: a good token, but this machine is in no office of Globex
curl --cacert "$CA" -H "Authorization: Bearer $GLOBEX_TOKEN" -w '\n%{{http_code}}\n' "$GLOBEX/api/assistants"

# 3. Refused by tenant: a token of Globex at Acme
curl --cacert "$CA" -H "Authorization: Bearer $GLOBEX_TOKEN" -w '\n%{{http_code}}\n' "$ACME/api/assistants"

# 4. Refused by signature: one character of the token was changed
curl --cacert "$CA" -H "Authorization: Bearer $BAD_TOKEN" -w '\n%{{http_code}}\n' "$ACME/api/assistants"

# 5. Refused without a token, as a person in Japan sees it in a browser
curl --cacert "$CA" -H 'Accept: text/html' -H 'Accept-Language: ja' -w '\n%{{http_code}}\n' "$ACME/api/assistants"

# 6. Permitted to an administrator on the administration network
curl --cacert "$CA" -H "Authorization: Bearer $ADMIN_TOKEN" -w '\n%{{http_code}}\n' "$ACME/admin/users"
{audit}
# The policy in force is in {policy}
# Edit it, then bring it into force with: kill -HUP {pid}
"#
        )
    }

    /// Writes the variables, readable for this user alone, in one step: a script that sees the
    /// file sees all of it.
    pub(super) fn write_env(&self, path: &Path) -> Result<(), Failure> {
        let text = assignments(
            "export ",
            &[
                ("SEKISHO_URL", self.url("acme")),
                ("SEKISHO_GLOBEX_URL", self.url("globex")),
                ("SEKISHO_CA", self.ca.display().to_string()),
                ("SEKISHO_ORIGIN_URL", self.origin.clone()),
                ("SEKISHO_GATEWAY_PID", std::process::id().to_string()),
                ("SEKISHO_TOKEN_ACME", self.tokens.acme.clone()),
                ("SEKISHO_TOKEN_GLOBEX", self.tokens.globex.clone()),
                ("SEKISHO_TOKEN_ADMIN", self.tokens.admin.clone()),
                ("SEKISHO_TOKEN_BAD", self.tokens.tampered.clone()),
                ("SEKISHO_POLICY", self.policy.display().to_string()),
            ],
        );
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let written = tempfile::NamedTempFile::new_in(directory).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.persist(path).map_err(|error| error.error)?;
            Ok(())
        });
        written
            .map_err(|error| Failure::invalid(format!("cannot write {}: {error}", path.display())))
    }
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::invalid(format!("cannot replace {}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn assignments(prefix: &str, variables: &[(&str, String)]) -> String {
    variables.iter().fold(String::new(), |text, (name, value)| {
        format!("{text}{prefix}{name}={}\n", quote(value))
    })
}

/// A word for a POSIX shell (section 2.2.2, single quotes).
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell() {
        for (text, want) in [
            ("plain-1_2./x", "plain-1_2./x"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(x)`y`", "'$(x)`y`'"),
        ] {
            assert_eq!(quote(text), want);
        }
    }
}
