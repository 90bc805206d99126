//! `sekisho token inspect`: what a token says, and whether it would pass.

use crate::commands::{keys, print};
use crate::exit::Exit;
use crate::input;
use crate::policy_dir;
use crate::report::Failure;
use crate::text::printable;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::tz::{self, TimeZone};
use jiff::{SignedDuration, Timestamp};
use sekisho_core::policy::Tenant;
use sekisho_core::request::canonical::Authority;
use sekisho_core::token::claims::Principal;
use sekisho_core::token::{json, principal};
use sekisho_core::{Denial, Headers};
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The longest input, in bytes: far beyond any token that passes.
const MAX_INPUT: usize = 64 * 1024;

const EXAMPLES: &str = "\
Examples:
  sekisho token inspect \"$TOKEN\"
  sekisho token inspect - --policy policy --host acme.localhost < token.txt

Exit codes: 0 shown, or with a policy held; 3 denied; 2 no token, or a bad policy.";

/// Show what a token says, and with a policy whether it would pass.
///
/// Times are shown in UTC and in JST. Without --policy nothing is verified.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Inspect {
    /// The token; - is the standard input
    #[arg(default_value = "-", hide_default_value = true)]
    token: String,
    /// Judge it by this policy, as step 7 of the gateway does, now
    #[arg(long, value_name = "DIR", requires = "host")]
    policy: Option<PathBuf>,
    /// The host that it is presented to, which decides the tenant
    #[arg(long, requires = "policy")]
    host: Option<String>,
    /// The gateway's own keys, for a session that it signed; see sekisho keys
    #[arg(long, value_name = "KEYS.json", requires = "policy")]
    keys: Option<PathBuf>,
}

impl Inspect {
    /// Shows the token.
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let text = if self.token == "-" {
            let bytes = input::file_or_stdin(Path::new("-"), MAX_INPUT)?;
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            self.token
        };
        let token = text.trim();
        let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
        let now = Timestamp::now();
        let shown = contents(token, now);
        let (Some(policy), Some(host)) = (self.policy, self.host) else {
            let shown = shown.map_err(|why| {
                Failure::invalid(format!("this is not a token: {why}"))
                    .help("a token is three parts of base64url with dots between them")
            })?;
            print(&format!(
                "{shown}\nNothing was verified: neither signature nor claims. --policy DIR --host HOST does.\n"
            ))?;
            return Ok(Exit::Success);
        };
        let (_, policy) = policy_dir::load(&policy)?;
        let tenant = Authority::parse(&host)
            .ok()
            .and_then(|authority| policy.tenant_of_host(authority.host()))
            .ok_or_else(|| {
                let known: Vec<&str> =
                    policy.tenants().iter().flat_map(Tenant::hosts).map(String::as_str).collect();
                Failure::invalid(format!("no tenant of the policy has the host {host:?}"))
                    .help(format!("known hosts: {}", known.join(", ")))
            })?;
        let shown = shown.unwrap_or_else(|why| format!("not readable: {why}\n"));
        let mut headers = Headers::default();
        headers.push("authorization", format!("Bearer {token}"));
        let own = self.keys.as_deref().map(keys::read).transpose()?;
        let (verdict, exit) = match principal(&headers, tenant, own.as_ref(), now) {
            Ok(principal) => (held(&principal), Exit::Success),
            Err(denial) => (denied(&denial), Exit::Deny),
        };
        let tenant = tenant.id();
        print(&format!("{shown}\nStep 7 for the tenant {tenant}, now: {verdict}\n"))?;
        Ok(exit)
    }
}

fn held(principal: &Principal) -> String {
    let roles = match principal.roles() {
        [] => "no roles".to_owned(),
        roles => format!("roles {}", roles.join(", ")),
    };
    let groups = match principal.groups() {
        [] => String::new(),
        groups => format!(", groups {}", printable(&groups.join(", "))),
    };
    let (kind, issuer) = (principal.token_type().name(), printable(principal.issuer()));
    format!("held: {} with {roles}{groups}; {kind} of {issuer}", principal.subject())
}

fn denied(denial: &Denial) -> String {
    let reason = denial.reason();
    format!("denied: {} ({}): {}", reason.code(), reason.status(), printable(denial.detail()))
}

fn contents(token: &str, now: Timestamp) -> Result<String, String> {
    let parts: Vec<&str> = token.splitn(4, '.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Err("it does not have three parts".to_owned());
    };
    let header = object(header, "header")?;
    let claims = object(claims, "payload")?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| "its signature is not base64url without padding")?;
    let mut shown = format!("Header:\n{}\nClaims:\n{}\n", pretty(header), pretty(claims.clone()));
    for claim in ["iat", "nbf", "exp"] {
        if let Some(value) = claims.get(claim) {
            // Writing to a String can't fail.
            let _ = writeln!(shown, "{claim}: {}", time(value, now));
        }
    }
    let _ = writeln!(shown, "Signature: {} bytes", signature.len());
    Ok(shown)
}

fn object(part: &str, what: &str) -> Result<Map<String, Value>, String> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| format!("its {what} is not base64url without padding"))?;
    json::object(&bytes).map_err(|error| format!("its {what} is not a strict JSON object: {error}"))
}

fn pretty(object: Map<String, Value>) -> String {
    // The alternate form of a JSON value is the indented one.
    printable(&format!("{:#}", Value::Object(object)))
}

/// A `NumericDate` in UTC and in JST, and how far it is from now.
fn time(value: &Value, now: Timestamp) -> String {
    let seconds = value.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let Some(time) = seconds else {
        return "no time in whole seconds since 1970".to_owned();
    };
    let jst = time.to_zoned(TimeZone::fixed(tz::offset(9)));
    let distance = time.as_second().abs_diff(now.as_second());
    let distance = SignedDuration::from_secs(i64::try_from(distance).unwrap_or(i64::MAX));
    let when = if time > now { format!("in {distance:#}") } else { format!("{distance:#} ago") };
    format!("{time} = {} JST ({when})", jst.strftime("%Y-%m-%d %H:%M:%S"))
}
