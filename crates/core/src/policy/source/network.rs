//! A tenant's network.

use super::Spanned;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A word, or CIDR blocks each with its place.
#[derive(Debug)]
pub(in crate::policy) enum NetworkSource {
    Word(String),
    Blocks(BlocksSource),
}

/// The blocks of a network. A list alone is a list of blocks to allow.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct BlocksSource {
    /// Addresses that are in it.
    pub allow: Vec<Spanned<String>>,
    /// Addresses within these that are not: the longest block decides.
    #[serde(default)]
    pub deny: Vec<Spanned<String>>,
}

// By hand, because a derived untagged enum loses the places of the blocks.
impl<'de> Deserialize<'de> for NetworkSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NetworkVisitor;

        impl<'de> Visitor<'de> for NetworkVisitor {
            type Value = NetworkSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"any\", a list of CIDR blocks, or { allow = [...], deny = [...] }")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<NetworkSource, E> {
                Ok(NetworkSource::Word(word.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<NetworkSource, A::Error> {
                let allow = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
                Ok(NetworkSource::Blocks(BlocksSource { allow, deny: Vec::new() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NetworkSource, A::Error> {
                BlocksSource::deserialize(MapAccessDeserializer::new(map))
                    .map(NetworkSource::Blocks)
            }
        }

        deserializer.deserialize_any(NetworkVisitor)
    }
}
