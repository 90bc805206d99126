//! Clause 8: what the origin is told is true, said once, and by the gateway; the rest is the client's
//! own.

use super::Permitted;
use super::oracle::{Held, User, hold, values};
use crate::arbitrary::policy::Tenant;
use crate::arbitrary::request::Sent;
use crate::arbitrary::spoof::MARK;
use std::net::IpAddr;

/// What the gateway may say to the origin.
pub(super) struct Told<'w> {
    pub(super) tenant: &'w Tenant,
    pub(super) user: Option<User>,
    pub(super) client: Option<IpAddr>,
    pub(super) host: String,
    pub(super) request_id: String,
}

impl Told<'_> {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("x-tenant-id", self.tenant.id.to_owned())];
        if let Some(User { subject, roles, .. }) = &self.user {
            fields.push(("x-user-id", subject.clone()));
            fields.push(("x-user-roles", roles.join(",")));
        }
        fields.push(("x-request-id", self.request_id.clone()));
        if let Some(client) = self.client {
            let node =
                if client.is_ipv6() { format!("\"[{client}]\"") } else { client.to_string() };
            fields.push(("x-forwarded-for", client.to_string()));
            let host = &self.host;
            fields.push(("forwarded", format!("for={node};host=\"{host}\";proto=https")));
        }
        fields.push(("x-forwarded-proto", "https".to_owned()));
        fields.push(("x-forwarded-host", self.host.clone()));
        fields
    }
}

/// Names that an origin may take for the gateway's word, whatever sign stands for the hyphen.
fn is_ours(name: &str) -> bool {
    let folded: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let starts = ["x-tenant-", "x-user-", "x-sekisho-", "sekisho-", "x-forwarded-", "spin-"];
    let ends = ["-client-ip", "-connecting-ip"];
    starts.iter().any(|start| folded.starts_with(start))
        || ends.iter().any(|end| folded.ends_with(end))
        || ["forwarded", "x-forwarded", "x-real-ip", "client-ip", "x-request-id"]
            .contains(&folded.as_str())
}

pub(super) fn upstream(sent: &Sent, permit: &Permitted, told: &Told<'_>) -> Held<()> {
    let mut true_ones = told.fields();
    let connection = values(sent, "connection").join(",").to_lowercase();
    let named = |name: &str| connection.split(',').any(|option| option.trim() == name);
    let never = [
        "host",
        "authorization",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        "proxy-authorization",
        "proxy-connection",
        "trailer",
    ];
    let mut cookies = Vec::new();
    for (name, value) in &permit.headers {
        if let Some(at) = true_ones.iter().position(|(n, v)| n == name && v == value) {
            true_ones.remove(at);
            continue;
        }
        hold(!is_ours(name), &format!("{name}: {value} is not the gateway's word"))?;
        hold(name != told.request_id.as_str() && value != MARK, &format!("{name} was spoofed"))?;
        if name == "te" {
            let welcome = values(sent, "te").join(",").to_lowercase().contains("trailers");
            hold(value == "trailers" && welcome, "the client did not ask for trailers")?;
            continue;
        }
        hold(!never.contains(&name.as_str()) && !named(name), &format!("{name} passed"))?;
        if name == "cookie" {
            cookies.extend(value.split("; ").map(str::to_owned));
        } else {
            let its = values(sent, name).contains(&value.as_str());
            hold(its, &format!("{name} is not what the client sent"))?;
        }
    }
    hold(true_ones.is_empty(), &format!("the origin is not told {true_ones:?}"))?;
    let sent_cookies: Vec<String> = values(sent, "cookie")
        .iter()
        .flat_map(|line| line.split(';').map(|pair| pair.trim().to_owned()))
        .filter(|pair| !pair.starts_with("__Host-sekisho="))
        .collect();
    let passed = if named("cookie") { Vec::new() } else { sent_cookies };
    hold(cookies == passed, "the cookies are not the client's own")
}
