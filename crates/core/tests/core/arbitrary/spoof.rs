//! Fields that a client sends under names that are the gateway's, in any spelling that an origin may
//! fold to them.

use super::place::{Place, address, inside};
use super::policy::{ROLES, World};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What no upstream may see: the client wrote it under a reserved name.
pub(crate) const MARK: &str = "spoofed";
/// Names that only the gateway may set, one for each that `DESIGN`'s list folds to and for those
/// that origins are known to trust.
const RESERVED: [&str; 26] = [
    "x-tenant-id",
    "x-tenant-name",
    "x-user-id",
    "x-user-roles",
    "x-user-email",
    "x-sekisho-debug",
    "sekisho-assertion",
    "forwarded",
    "x-forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-user",
    "x-real-ip",
    "client-ip",
    "true-client-ip",
    "x-client-ip",
    "cf-connecting-ip",
    "spin-client-addr",
    "spin-path-info",
    "x-request-id",
    "remote-user",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
];
/// What an origin may read as a hyphen. The underscore is refused; the others are tokens.
const HYPHENS: [char; 8] = ['-', '-', '-', '.', '~', '!', '|', '_'];

/// A field that the client sends under a name that is ours.
#[derive(Clone, Debug)]
pub(crate) struct Spoof {
    name: &'static str,
    hyphens: Vec<char>,
    capitals: u32,
    value: Spoofed,
}

#[derive(Clone, Debug)]
enum Spoofed {
    Mark,
    TenantOf(Index),
    Roles,
    AddressOf(Index, Place),
}

/// A field under a reserved name, in any spelling.
pub(crate) fn spoof() -> impl Strategy<Value = Spoof> {
    let value = prop_oneof![
        4 => Just(Spoofed::Mark),
        2 => any::<Index>().prop_map(Spoofed::TenantOf),
        1 => Just(Spoofed::Roles),
        1 => (any::<Index>(), inside()).prop_map(|(tenant, at)| Spoofed::AddressOf(tenant, at)),
    ];
    let hyphens = prop_oneof![
        2 => Just(vec!['-'; 4]),
        1 => prop::collection::vec(select(&HYPHENS[..]), 4),
    ];
    (select(&RESERVED[..]), hyphens, any::<u32>(), value)
        .prop_map(|(name, hyphens, capitals, value)| Spoof { name, hyphens, capitals, value })
}

impl Spoof {
    /// The field.
    pub(crate) fn field(&self, world: &World) -> (String, Vec<u8>) {
        let mut hyphens = self.hyphens.iter();
        let name = self.name.chars().enumerate().map(|(n, c)| match c {
            '-' => *hyphens.next().unwrap_or(&'-'),
            _ if self.capitals >> n & 1 == 1 => c.to_ascii_uppercase(),
            _ => c,
        });
        let value = match &self.value {
            Spoofed::Mark => MARK.to_owned(),
            Spoofed::TenantOf(index) => index.get(&world.tenants).id.to_owned(),
            Spoofed::Roles => ROLES.join(","),
            Spoofed::AddressOf(index, place) => {
                address(index.get(&world.tenants), "business", place).to_string()
            }
        };
        (name.collect(), value.into_bytes())
    }

    /// The name as an origin may fold it.
    pub(crate) fn folded(&self) -> &'static str {
        self.name
    }

    /// The name has a sign for which the whole request is refused.
    pub(crate) fn is_refused(&self) -> bool {
        self.hyphens.contains(&'_')
    }
}
