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
    Blocks { allow: BTreeSet<IpNet>, deny: BTreeSet<IpNet> },
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

/// The blocks. Each is one, since the policy was loaded.
fn blocks(list: Option<&Value>) -> BTreeSet<IpNet> {
    let texts = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts.filter_map(|text| text.parse().ok()).collect()
}

/// Whether one of the blocks holds all of this one.
fn covered(block: IpNet, by: &BTreeSet<IpNet>) -> bool {
    let mut around = Some(block);
    while let Some(block) = around {
        if by.contains(&block) {
            return true;
        }
        around = block.supernet();
    }
    false
}

fn counted(blocks: &BTreeSet<IpNet>) -> String {
    listed(&blocks.iter().collect::<Vec<_>>())
}

fn listed(blocks: &[&IpNet]) -> String {
    let named: Vec<String> = blocks.iter().take(MOST).map(ToString::to_string).collect();
    match blocks.len() {
        0 => "no block".to_owned(),
        all if all > MOST => format!("{all} blocks ({}, …)", named.join(", ")),
        _ => named.join(", "),
    }
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
                let allows = format!("network {name}");
                self.blocks(place, &allows, (allowed, denied), (allow, deny), Effect::Opens);
                let denies = format!("network {name}, deny");
                self.blocks(place, &denies, (denied, allowed), (deny, allow), Effect::Closes);
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

    /// The blocks of one kind, each policy's with those of the other kind.
    fn blocks(
        &mut self,
        place: &str,
        what: &str,
        old: (&BTreeSet<IpNet>, &BTreeSet<IpNet>),
        new: (&BTreeSet<IpNet>, &BTreeSet<IpNet>),
        added: Effect,
    ) {
        for (verb, effect, (from, against), (to, _)) in
            [("added", added, old, new), ("removed", added.opposite(), new, old)]
        {
            // What lies within a block of the other policy gains or loses nobody by itself, unless
            // it is an exception to an exception.
            let (within, apart): (Vec<_>, Vec<_>) = to
                .difference(from)
                .partition(|block| covered(**block, from) && !covered(**block, against));
            if !apart.is_empty() {
                self.add(effect, place, format!("{what}: {verb} {}", listed(&apart)));
            }
            if !within.is_empty() {
                let blocks = listed(&within);
                let what = format!("{what}: {verb} {blocks}, which a wider block holds");
                self.add(Effect::Changes, place, what);
            }
        }
    }
}
