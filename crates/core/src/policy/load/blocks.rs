//! CIDR blocks.

use super::Loader;
use crate::network::block::{self, NoBlock};
use crate::policy::source::Spanned;
use ipnet::IpNet;

impl Loader<'_> {
    pub(super) fn blocks(&mut self, file: &str, sources: &[Spanned<String>]) -> Vec<IpNet> {
        sources.iter().filter_map(|source| self.block(file, source)).collect()
    }

    pub(super) fn block(&mut self, file: &str, source: &Spanned<String>) -> Option<IpNet> {
        match block::parse(source.get_ref()) {
            Ok(block) => Some(block),
            Err(NoBlock { code, message, help }) => {
                self.fault(code, (file, Some(source.span())), message, help);
                None
            }
        }
    }
}
