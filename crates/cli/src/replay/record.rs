//! What of an audit record makes a request again.

use serde::Deserialize;

/// How the gateway marks a text that it shortened.
const CUT: &str = "...";

/// An audit record, as far as it is needed.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Record {
    v: u8,
    /// Of the example that a summary names.
    pub request_id: Option<String>,
    /// The canonical host.
    pub host: Option<String>,
    /// The subject of the verified token.
    pub subject: Option<String>,
    /// The roles, after the directory.
    pub roles: Option<Vec<String>>,
    /// The groups, after the directory.
    pub groups: Option<Vec<String>>,
    /// The token's issuer.
    pub issuer: Option<String>,
    /// The client's address.
    pub client: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The canonical path.
    pub path: Option<String>,
    /// What it tells of, if not of a request.
    pub event: Option<String>,
    /// `permit` or `deny`.
    #[serde(default)]
    pub decision: String,
    /// The reason of a denial.
    pub reason: Option<String>,
    /// The reason that a dry run kept back.
    pub would_deny: Option<String>,
}

impl Record {
    /// Reads one line.
    ///
    /// # Errors
    /// Says why it is no record.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let record: Self =
            serde_json::from_slice(line).map_err(|error| format!("it is no record: {error}"))?;
        if record.v != 1 {
            return Err(format!("its version is {}, and this program reads 1", record.v));
        }
        if record.event.is_none() && record.decision.is_empty() {
            return Err("it is no record: it has no decision".to_owned());
        }
        Ok(record)
    }

    /// What keeps this record from being judged again.
    pub fn missing(&self) -> Option<&'static str> {
        // The gateway writes `?` for what is not ASCII; a canonical path has none.
        let changed =
            |text: &String| text.contains('?') || (text.len() > 512 && text.ends_with(CUT));
        let lists = [&self.roles, &self.groups];
        if self.host.is_none() || self.method.is_none() || self.path.is_none() {
            Some("refused before host, method and path were known")
        } else if self.path.as_ref().is_some_and(changed) {
            Some("the record has not the whole path")
        } else if lists.into_iter().flatten().any(|names| names.iter().any(|name| name == CUT)) {
            Some("the record has not every role or group")
        } else {
            match self.reason.as_deref() {
                Some("body-too-large") => Some("refused by its length, which no record has"),
                Some("client-address-invalid" | "proxy-secret-invalid") => {
                    Some("refused by its way through proxies, which no record has")
                }
                Some("clock-unknown" | "policy-unavailable") => Some("refused by no policy"),
                _ => None,
            }
        }
    }
}
