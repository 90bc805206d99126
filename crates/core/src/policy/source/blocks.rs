//! CIDR blocks, or a word in their place.

use super::Spanned;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;

/// A word, or a list of CIDR blocks each with its place.
#[derive(Debug)]
pub(in crate::policy) enum WordOrBlocks {
    Word(String),
    Blocks(Vec<Spanned<String>>),
}

// By hand, because a derived untagged enum loses the places of the list's items.
impl<'de> Deserialize<'de> for WordOrBlocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrBlocksVisitor;

        impl<'de> Visitor<'de> for WordOrBlocksVisitor {
            type Value = WordOrBlocks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of CIDR blocks")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<WordOrBlocks, E> {
                Ok(WordOrBlocks::Word(word.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WordOrBlocks, A::Error> {
                let mut blocks = Vec::new();
                while let Some(block) = seq.next_element()? {
                    blocks.push(block);
                }
                Ok(WordOrBlocks::Blocks(blocks))
            }
        }

        deserializer.deserialize_any(WordOrBlocksVisitor)
    }
}
