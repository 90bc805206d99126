//! What may be wrong with a request: one part taken from another tenant, or spoilt.

use super::keys::POOL;
use super::place::{Place, near};
use super::policy::ROLES;
use super::spoof::MARK;
use super::state::GROUPS;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::Value;
use std::net::IpAddr;

/// One part that is not as it should be.
#[derive(Clone, Debug)]
pub(crate) enum Twist {
    HostOf(Index),
    SecondHostOf(Index),
    AuthorityOf(Index),
    AbsoluteOf(Index),
    /// What stands before and after the host's name.
    HostSpelt(&'static str, &'static str),
    HostInCapitals,
    Cleartext,
    ProxySays(&'static str),
    Method(&'static str),
    PathOf(Index),
    /// What is put into the path, and where.
    PathWith(Index, &'static str),
    Query(&'static str),
    NoToken,
    SecondTokenOf(Index),
    TokenOf(Index),
    IssuerOf(Index),
    SignedWith(usize),
    ClaimOf(Index),
    /// Every claim that may name a tenant names one of these, in turn.
    ClaimsOf(Index, Index),
    ClaimsAsList(Index),
    NoClaim,
    ForgedClaimOf(Index),
    Audience(Value),
    Times(&'static str, i64),
    Roles(Vec<&'static str>),
    SubjectOf(Index),
    Groups(Vec<&'static str>),
    AddressOf(Index, Place),
    Address(IpAddr),
    NoPeer,
    Mapped,
    Field(&'static str, &'static str),
}

/// Any twist.
pub(crate) fn twist() -> impl Strategy<Value = Twist> {
    let index = any::<Index>;
    let affix = [
        ("", ":443"),
        ("", "."),
        ("", ".evil.example"),
        ("evil.", ""),
        ("evil@", ""),
        ("", "@evil.example"),
        ("", " "),
        ("", ":0443"),
        ("", "%2e"),
        ("_", ""),
    ];
    let marks = [
        "/.",
        "/..",
        "/../admin/users",
        "//",
        "/%2e%2e",
        "/%2E%2E",
        "%2F",
        "%2f",
        "%5C",
        "\\",
        ";x",
        "/..;",
        "%00",
        "%252F",
        "%41",
        "%e9%96%a2",
        "%C0%AF",
        "?",
        "#",
        "/",
        "%",
        "\u{95a2}",
        " ",
    ];
    let hosts = prop_oneof![
        4 => index().prop_map(Twist::HostOf),
        1 => index().prop_map(Twist::SecondHostOf),
        1 => index().prop_map(Twist::AuthorityOf),
        1 => index().prop_map(Twist::AbsoluteOf),
        2 => select(affix.to_vec()).prop_map(|(before, after)| Twist::HostSpelt(before, after)),
        1 => Just(Twist::HostInCapitals),
        1 => Just(Twist::Cleartext),
        1 => select(&["https", "http", "HTTPS", "https, http", ""][..]).prop_map(Twist::ProxySays),
    ];
    let targets = prop_oneof![
        1 => select(&["GET", "POST", "DELETE", "PUT", "TRACE", "get"][..]).prop_map(Twist::Method),
        2 => index().prop_map(Twist::PathOf),
        3 => (index(), select(marks.to_vec())).prop_map(|(at, mark)| Twist::PathWith(at, mark)),
        1 => select(&["x=1", "", "next=/../admin&y=%2e", "a#b", "%4"][..]).prop_map(Twist::Query),
    ];
    let tokens = prop_oneof![
        2 => Just(Twist::NoToken),
        1 => index().prop_map(Twist::SecondTokenOf),
        3 => index().prop_map(Twist::TokenOf),
        3 => index().prop_map(Twist::IssuerOf),
        3 => (0..POOL).prop_map(Twist::SignedWith),
        3 => index().prop_map(Twist::ClaimOf),
        2 => (index(), index()).prop_map(|(a, b)| Twist::ClaimsOf(a, b)),
        1 => index().prop_map(Twist::ClaimsAsList),
        1 => Just(Twist::NoClaim),
        2 => index().prop_map(Twist::ForgedClaimOf),
        1 => select(&["sekisho", "sekisho-2", "sekisho-3"][..])
            .prop_map(|audience| Twist::Audience(audience.into())),
        1 => select(&[("exp", -61), ("exp", -59), ("nbf", 61), ("iat", 59)][..])
            .prop_map(|(claim, after)| Twist::Times(claim, after)),
        2 => subsequence(&ROLES[..], 0..=2).prop_map(Twist::Roles),
        2 => index().prop_map(Twist::SubjectOf),
        1 => subsequence(&GROUPS[..], 0..=2).prop_map(Twist::Groups),
    ];
    let addresses = prop_oneof![
        4 => (index(), near()).prop_map(|(tenant, place)| Twist::AddressOf(tenant, place)),
        1 => any::<IpAddr>().prop_map(Twist::Address),
        1 => Just(Twist::NoPeer),
        1 => Just(Twist::Mapped),
    ];
    let fields = select(
        &[
            ("X_Tenant_Id", MARK),
            ("Transfer-Encoding", "chunked"),
            ("Sec-Fetch-Site", "same-site"),
            ("Origin", "https://evil.example"),
            ("Content-Length", "1"),
            ("Cookie", "__Host-sekisho=a.b.c"),
            ("Authorization", "Basic YTpi"),
            ("x-control", "a\u{1}b"),
        ][..],
    )
    .prop_map(|(name, value)| Twist::Field(name, value));
    prop_oneof![4 => hosts, 3 => targets, 6 => tokens, 3 => addresses, 1 => fields]
}
