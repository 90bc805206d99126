//! What the gateway asserts to origins.

use super::Loader;
use crate::policy::source::AssertionSource;
use crate::token::own::assertion::{AssertionRules, LIFETIMES};

const FILE: &str = "gateway.toml";

/// The life of an assertion where the policy names none, in seconds.
const LIFETIME: u32 = 60;

impl Loader<'_> {
    pub(super) fn assertion(&mut self, source: &AssertionSource) -> AssertionRules {
        let issuer = source.issuer.get_ref();
        if !(1..=512).contains(&issuer.len()) || !issuer.bytes().all(|b| b.is_ascii_graphic()) {
            self.fault(
                "assertion-issuer-invalid",
                (FILE, Some(source.issuer.span())),
                "the issuer of assertions is not 1 to 512 printable ASCII characters",
                "write the gateway's name, such as \"https://gateway.example.jp\"",
            );
        }
        let lifetime = source.lifetime_s.as_ref().map_or(LIFETIME, |seconds| *seconds.get_ref());
        if let Some(seconds) = &source.lifetime_s
            && !LIFETIMES.contains(&lifetime)
        {
            self.fault(
                "assertion-lifetime-invalid",
                (FILE, Some(seconds.span())),
                format!("an assertion can't live {lifetime} s"),
                format!(
                    "write {} to {} seconds: long enough to arrive, and no longer than a request needs it",
                    LIFETIMES.start(),
                    LIFETIMES.end()
                ),
            );
        }
        AssertionRules { issuer: issuer.clone(), lifetime }
    }
}
