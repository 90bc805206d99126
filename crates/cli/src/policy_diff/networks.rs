//! A tenant's networks: blocks added and removed.

use super::{Changes, Effect, names};
use ipnet::IpNet;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// The most blocks that are named one by one.
const MOST: usize = 5;

/// The network that is open where a tenant has not set it.
const BUSINESS: &str = "business";

/// A network as it is written.
#[derive(PartialEq, Eq)]
enum Network {
    Unset,
    Any,
    Blocks { allow: BTreeSet<String>, deny: BTreeSet<String> },
}

impl Network {
    fn of(value: Option<&Value>) -> Self {
        match value {
            None => Self::Unset,
            Some(Value::String(_)) => Self::Any,
            Some(Value::Table(both)) => {
                Self::Blocks { allow: blocks(both.get("allow")), deny: blocks(both.get("deny")) }
            }
            list => Self::Blocks { allow: blocks(list), deny: BTreeSet::new() },
        }
    }

    /// Whom it lets in: nobody, the blocks' addresses, everybody.
    fn width(&self, name: &str) -> u8 {
        match self {
            Self::Unset if name != BUSINESS => 0,
            Self::Blocks { .. } => 1,
            Self::Unset | Self::Any => 2,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Unset => "not set".to_owned(),
            Self::Any => "any address".to_owned(),
            Self::Blocks { allow, deny } if deny.is_empty() => counted(allow),
            Self::Blocks { allow, deny } => format!("{} without {}", counted(allow), counted(deny)),
        }
    }
}

/// The blocks in the one spelling that they have as values.
fn blocks(list: Option<&Value>) -> BTreeSet<String> {
    let texts = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts
        .map(|text| text.parse::<IpNet>().map_or_else(|_| text.to_owned(), |net| net.to_string()))
        .collect()
}

fn counted(blocks: &BTreeSet<String>) -> String {
    listed(&blocks.iter().collect::<Vec<_>>())
}

fn listed(blocks: &[&String]) -> String {
    if blocks.len() > MOST {
        let first: Vec<&str> = blocks.iter().take(MOST).map(|block| block.as_str()).collect();
        return format!("{} blocks ({}, …)", blocks.len(), first.join(", "));
    }
    let all: Vec<&str> = blocks.iter().map(|block| block.as_str()).collect();
    if all.is_empty() { "no block".to_owned() } else { all.join(", ") }
}

impl Changes {
    pub(super) fn networks(&mut self, place: &str, old: Option<&Table>, new: Option<&Table>) {
        let empty = Table::new();
        let (old, new) = (old.unwrap_or(&empty), new.unwrap_or(&empty));
        for name in names(old.keys(), new.keys()) {
            let (before, after) = (Network::of(old.get(name)), Network::of(new.get(name)));
            if let (
                Network::Blocks { allow: allowed, deny: denied },
                Network::Blocks { allow, deny },
            ) = (&before, &after)
            {
                self.blocks(place, &format!("network {name}"), allowed, allow, Effect::Opens);
                let denies = format!("network {name}, deny");
                self.blocks(place, &denies, denied, deny, Effect::Closes);
            } else if before != after {
                let effect = match after.width(name).cmp(&before.width(name)) {
                    std::cmp::Ordering::Greater => Effect::Opens,
                    std::cmp::Ordering::Equal => Effect::Changes,
                    std::cmp::Ordering::Less => Effect::Closes,
                };
                let what = format!("network {name}: {} → {}", before.shown(), after.shown());
                self.add(effect, place, what);
            }
        }
    }

    fn blocks(
        &mut self,
        place: &str,
        what: &str,
        old: &BTreeSet<String>,
        new: &BTreeSet<String>,
        added: Effect,
    ) {
        for (verb, effect, blocks) in [
            ("added", added, new.difference(old).collect::<Vec<_>>()),
            ("removed", added.opposite(), old.difference(new).collect()),
        ] {
            if !blocks.is_empty() {
                self.add(effect, place, format!("{what}: {verb} {}", listed(&blocks)));
            }
        }
    }
}
